package stories

import (
	"testing"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// TestADrainDoesNotWaitForHeldPulls ends a proxy (SIGTERM) whose only client is a push consumer without messages. Each
// of its pulls is held by the broker for up to 20 s and asked again, so one is always under way; but there is nothing to
// finish, so the drain does not last until drain_timeout.
func TestADrainDoesNotWaitForHeldPulls(t *testing.T) {
	t.Parallel()
	const drainTimeout = 40 * time.Second
	cluster := harness.OwnEmbedded(t, embedded.Options{})
	require.NoError(t, cluster.CreateTopic("Used", 4))
	target := harness.ConfiguredProxy(t, harness.ProxyConfig{NameServer: cluster.NameServers()[0], DrainTimeout: drainTimeout})
	in := target.Consume(t, "Used")
	bodies := harness.RandomBodies(8)
	p := target.Producer(t)
	for _, body := range bodies {
		harness.Send(t, p, primitive.NewMessage("Used", body))
	}
	in.AwaitExactly(t, bodies)
	require.NoError(t, p.Shutdown())

	begun := time.Now()
	require.NoError(t, target.Proxy.Stop())
	require.Less(t, time.Since(begun), drainTimeout/4, "the drain waited for pulls that a broker holds")
}
