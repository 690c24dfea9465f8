package rewrite_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
)

func TestReadHeartbeat(t *testing.T) {
	f := func(body, clientID string, full bool) {
		t.Helper()
		h, ok := rewrite.ReadHeartbeat([]byte(body))
		require.Equal(t, clientID, h.ClientID, body)
		require.Equal(t, full, ok && !h.Short, body)
	}
	f(heartbeatBody, "10.0.0.9@1", true)
	f(strings.Replace(heartbeatBody, `"withoutSub":false`, `"withoutSub":true`, 1), "10.0.0.9@1", false)
	// Clients below 5.1.3 and the Go client have no such key.
	f(`{"clientID":"c","producerDataSet":[{"groupName":"pg"}],"consumerDataSet":[]}`, "c", true)
	f(`{"clientID":"c","withoutSub":null}`, "c", true)
	f(`{"withoutSub":true,"clientID":"c\u0040\u00e91"}`, "c@é1", false)
	f(`{"clientID":"c","withoutSub":"true"}`, "c", false)
	f(`{"clientID":"c","withoutSub":"false"}`, "c", true)
	f(`{"clientID":"c","withoutSub":1}`, "c", false)
	// Only the top level counts.
	f(`{"clientID":"c","consumerDataSet":[{"withoutSub":true,"clientID":"x"}]}`, "c", true)
	f(`{"producerDataSet":[]}`, "", true)

	f(``, "", false)
	f(`null`, "", false)
	f(`{"clientID":"c"`, "", false)
	f(`{"clientID":"c"}}`, "", false)
	f(`{"clientID":5}`, "", false)
	f(`{"clientID":"c","x":`+strings.Repeat("[", 100_000), "", false)
}

func TestHeartbeatOfConsumers(t *testing.T) {
	f := func(body string, groups ...string) {
		t.Helper()
		h, ok := rewrite.ReadHeartbeat([]byte(body))
		require.True(t, ok, body)
		require.Equal(t, groups, h.ConsumerGroups, body)
	}
	f(heartbeatBody, "cg")
	f(`{"clientID":"c","consumerDataSet":[{"groupName":"g"},{"x":[{"groupName":"y"}],"groupName":"h"}],"producerDataSet":[{"groupName":"pg"}]}`, "g", "h")
	f(`{"clientID":"c","consumerDataSet":[],"producerDataSet":[{"groupName":"pg"}]}`)
	f(`{"clientID":"c","consumerDataSet":null}`)
	f(`{"clientID":"c"}`)
	f(`{"clientID":"c","producerDataSet":[{"consumerDataSet":[{"groupName":"g"}]}]}`)

	_, ok := rewrite.ReadHeartbeat([]byte(`{"clientID":"c","consumerDataSet":[5]}`))
	require.False(t, ok)
}
