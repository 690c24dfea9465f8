package rewrite_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
)

// Heartbeats are replayed to brokers unless they are short: what is read must be an object for which withoutSub is not
// true.
func FuzzReadHeartbeat(f *testing.F) {
	for _, body := range []string{
		heartbeatBody, `{"clientID":"c","withoutSub":null}`, `{"withoutSub":true,"clientID":"c\u0040\u00e91"}`,
		`{"clientID":"c","withoutSub":"true"}`, `{"clientID":5}`, `{"consumerDataSet":null}`, `{"consumerDataSet":[{"groupName":null}]}`,
		`{"consumerDataSet":[[]]}`, consumeStats, ``, `null`, `[[[[`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := slices.Clone(body)
		h, ok := rewrite.ReadHeartbeat(body)
		require.True(t, bytes.Equal(before, body), "the body was written to")
		if !ok {
			require.Zero(t, h)
			return
		}
		var keys map[string]json.RawMessage
		if !json.Valid(body) || json.Unmarshal(body, &keys) != nil {
			return // fastjson reads more than JSON
		}
		require.NotNil(t, keys, "no object")
		if !h.Short {
			require.NotEqual(t, "true", string(keys["withoutSub"]))
		}
	})
}
