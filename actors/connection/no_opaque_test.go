package connection_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// A request without an opaque is passed on and counted, and nothing waits for its answer: there may be more of them
// than may wait, on broker ports and on name-server ports.
func TestRequestsWithoutOpaqueAreNotWaitedFor(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{Settings: actors.Settings{RequestsPerConnection: 4}})
		const many = 50
		burst := func(code string) []byte {
			return []byte(strings.Repeat(string(proxytest.RawFrame(`{"code":`+code+`,"flag":0,"language":"JAVA","version":500,"extFields":{"key":"k","namespace":"n"}}`, "")), many))
		}
		client, broker := r.Pinned()
		client.Write(burst("30"))
		for range many {
			require.Equal(t, codec.ReqGetMaxOffset, broker.Next().Code)
		}
		client.Works(broker)

		asking := proxytest.Dial(t, r.NameServer())
		asking.Write(burst("101"))
		asking.Write(burst("105")) // what the proxy would answer itself
		opaque := asking.Send(proxytest.RouteRequest("TBW102"))
		for asking.Next().Opaque != opaque { // servers answer under opaques that they make up
		}
		client.Close()
		asking.Close()
		r.Settle(2)
		r.GaugesAreZero()
		require.Equal(t, 3*many+3, r.Stat("request"))
		require.Equal(t, 1, r.Stat("get_topic_route")-many)
	})
}
