package rewrite_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
)

func TestHeartbeatWithout(t *testing.T) {
	f := func(body, producer, consumer, want string) {
		t.Helper()
		rest, left := rewrite.HeartbeatWithout([]byte(body), producer, consumer)
		require.Equal(t, want, string(rest))
		require.Equal(t, want != "", left)
	}
	const all = `{"clientID":"c","consumerDataSet":[{"groupName":"g","x":[1]} , {"groupName":"h"}],"producerDataSet":[{"groupName":"p"}]}`
	f(all, "", "", all)
	f(all, "x", "y", all)
	f(all, "g", "p", all)
	f(all, "", "g", `{"clientID":"c","consumerDataSet":[ {"groupName":"h"}],"producerDataSet":[{"groupName":"p"}]}`)
	f(all, "", "h", `{"clientID":"c","consumerDataSet":[{"groupName":"g","x":[1]} ],"producerDataSet":[{"groupName":"p"}]}`)
	f(all, "p", "", `{"clientID":"c","consumerDataSet":[{"groupName":"g","x":[1]} , {"groupName":"h"}],"producerDataSet":[]}`)
	f(all, "p", "h", `{"clientID":"c","consumerDataSet":[{"groupName":"g","x":[1]} ],"producerDataSet":[]}`)
	f(`{"clientID":"c","consumerDataSet":[{"groupName":"g"}],"producerDataSet":[]}`, "", "g", "")
	f(`{"clientID":"c","consumerDataSet":null,"producerDataSet":[{"groupName":"p"}]}`, "p", "", "")
	f(`{"producerDataSet":[{"groupName":"x","groupName":"\u0070"},{"groupName":"q"}]}`, "p", "", `{"producerDataSet":[{"groupName":"q"}]}`)
	f(`{"producerDataSet":[{},{"groupName":"p"}]}`, "", "g", `{"producerDataSet":[{},{"groupName":"p"}]}`)
	f(`{"clientID":"c"}`, "p", "", "")
	f(`{"consumerDataSet":[{"groupName":"g"}]`, "", "x", "")
	f(``, "", "", "")
}

// What one request leaves out the next one finds gone, until nothing is left.
func TestGroupsLeaveAHeartbeatOneByOne(t *testing.T) {
	body := []byte(`{"consumerDataSet":[{"groupName":"a"},{"groupName":"b"},{"groupName":"c"}],"producerDataSet":[{"groupName":"d"}],"clientID":"c"}`)
	for _, group := range []string{"b", "a", "c"} {
		rest, left := rewrite.HeartbeatWithout(body, "", group)
		require.True(t, left)
		h, ok := rewrite.ReadHeartbeat(rest)
		require.True(t, ok)
		require.NotContains(t, h.ConsumerGroups, group)
		body = rest
	}
	require.JSONEq(t, `{"consumerDataSet":[],"producerDataSet":[{"groupName":"d"}],"clientID":"c"}`, string(body))
	_, left := rewrite.HeartbeatWithout(body, "d", "")
	require.False(t, left)
}

func TestHeartbeatFingerprint(t *testing.T) {
	same := rewrite.HeartbeatFingerprint([]byte(heartbeatBody))
	require.Equal(t, same, rewrite.HeartbeatFingerprint([]byte(strings.Clone(heartbeatBody))))
	require.NotEqual(t, same, rewrite.HeartbeatFingerprint([]byte(strings.Replace(heartbeatBody, "1700000000000", "1700000000001", 1))))
	require.NotEqual(t, same, rewrite.HeartbeatFingerprint(nil))
}

func FuzzHeartbeatWithout(f *testing.F) {
	for _, body := range []string{
		heartbeatBody, `{"consumerDataSet":[{"groupName":"cg"},{"groupName":"b"}],"consumerDataSet":[{"groupName":"cg"}]}`,
		`{"producerDataSet":[null,{"groupName":null},{}],"clientID":"c"}`, consumeStats, ``, `{}`, `{"consumerDataSet":{}}`,
	} {
		f.Add([]byte(body), "pg", "cg")
	}
	f.Fuzz(func(t *testing.T, body []byte, producer, consumer string) {
		before := slices.Clone(body)
		rest, left := rewrite.HeartbeatWithout(body, producer, consumer)
		require.Equal(t, before, body, "the body was written to")
		if !left {
			require.Nil(t, rest)
			return
		}
		was, ok := rewrite.ReadHeartbeat(body)
		now, nowOK := rewrite.ReadHeartbeat(rest)
		require.Equal(t, ok, nowOK)
		if ok {
			require.NotContains(t, append(now.ConsumerGroups, "-"), consumer)
			require.Equal(t, was.ClientID, now.ClientID)
		}
		if json.Valid(body) {
			require.True(t, json.Valid(rest), "JSON in, no JSON out: %q", rest)
		}
		again, left := rewrite.HeartbeatWithout(rest, producer, consumer)
		require.True(t, left)
		require.Equal(t, string(rest), string(again))
	})
}
