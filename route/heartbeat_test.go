package route_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

func TestFullHeartbeat(t *testing.T) {
	f := func(body, clientID string, full bool) {
		t.Helper()
		gotID, gotFull := route.FullHeartbeat([]byte(body))
		require.Equal(t, clientID, gotID, body)
		require.Equal(t, full, gotFull, body)
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
