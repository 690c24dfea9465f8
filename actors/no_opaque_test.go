package actors_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// A request without an opaque is passed on and counted, and nothing waits for its answer: there may be more of them
// than may wait, on broker ports and on name-server ports.
func TestRequestsWithoutOpaqueAreNotWaitedFor(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{settings: actors.Settings{RequestsPerConnection: 4}})
		const many = 50
		burst := func(code string) []byte {
			return []byte(strings.Repeat(string(rawJSON(`{"code":`+code+`,"flag":0,"language":"JAVA","version":500,"extFields":{"key":"k","namespace":"n"}}`, "")), many))
		}
		client, broker := r.pinned()
		client.write(burst("30"))
		for range many {
			require.Equal(t, codec.ReqGetMaxOffset, broker.next().Code)
		}
		client.open(broker)

		asking := dial(t, r.nameServer())
		asking.write(burst("101"))
		asking.write(burst("105")) // what the proxy would answer itself
		opaque := asking.send(routeRequest("TBW102"))
		for asking.next().Opaque != opaque { // servers answer under opaques that they make up
		}
		client.close()
		asking.close()
		r.settle(2)
		r.gaugesAreZero()
		require.Equal(t, 3*many+3, r.stat("request"))
		require.Equal(t, 1, r.stat("get_topic_route")-many)
	})
}
