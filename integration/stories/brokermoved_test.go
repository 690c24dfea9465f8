package stories

import (
	"testing"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// slaveRefuses is what a master that has become a slave answers to sends (ResponseCode.SERVICE_NOT_AVAILABLE).
const slaveRefuses = 14

// TestABrokerMovesWhileItsOldProcessLives has the name server give another address for a broker, as after a failover
// of a controller, of DLedger or of an acting master: the old process goes on, takes connections, and refuses sends.
// Clients that are connected to the proxy send to the new process and receive from it.
func TestABrokerMovesWhileItsOldProcessLives(t *testing.T) {
	t.Parallel()
	before, after := harness.OwnEmbedded(t, embedded.Options{}), harness.OwnEmbedded(t, embedded.Options{})
	const used, warmUp = "Used", "WarmUp" // queues of Used are empty when the broker moves: so offsets are the same
	for _, cluster := range []*embedded.Cluster{before, after} {
		require.NoError(t, cluster.CreateTopic(used, 2))
		require.NoError(t, cluster.CreateTopic(warmUp, 2))
	}
	names := harness.StartRelay(t, before.NameServers()[0])
	target := harness.ConfiguredProxy(t, harness.ProxyConfig{NameServer: names.Address(), Cluster: `refresh = "1s"`})
	p := target.Producer(t)
	harness.Send(t, p, primitive.NewMessage(warmUp, []byte("to the old process")))
	in := target.Consume(t, used)

	for _, code := range []int32{codec.ReqSendMessage, codec.ReqSendMessageV2, codec.ReqSendBatchMessage} {
		before.Broker("broker-a").Fault(code, embedded.Answer(slaveRefuses, "the broker is a slave now"))
	}
	names.Switch(after.NameServers()[0])
	harness.Await(t, func() error {
		_, err := p.SendSync(t.Context(), primitive.NewMessage(warmUp, []byte("to the new process")))
		return err
	})
	bodies := harness.RandomBodies(20)
	for _, body := range bodies {
		harness.Send(t, p, primitive.NewMessage(used, body))
	}
	in.AwaitExactly(t, bodies)
}
