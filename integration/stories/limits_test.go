package stories

import (
	"testing"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// TestLimitsLoseNothing has a producer send faster than [[limit]] permits, and a consumer pull more often. Some sends fail,
// and say why; what was accepted arrives, each once.
func TestLimitsLoseNothing(t *testing.T) {
	t.Parallel()
	cluster := harness.OwnEmbedded(t, embedded.Options{})
	require.NoError(t, cluster.CreateTopic("Limited", 4))
	target := harness.ConfiguredProxy(t, harness.ProxyConfig{
		NameServer: cluster.NameServers()[0],
		Metrics:    "push_interval = \"10s\"\n\n[[limit]]\nname = \"limited\"\ntopic = { exact = \"Limited\" }\nper = \"group\"\nrequests_per_second = 20\nburst = 5",
	})
	in := target.Consume(t, "Limited")
	p := target.Producer(t)
	var accepted [][]byte
	refused := 0
	for begun := time.Now(); refused == 0 || len(accepted) < 30; {
		require.Less(t, time.Since(begun), time.Minute, "accepted: %d, refused: %d", len(accepted), refused)
		body := harness.RandomBody(uint64(len(accepted)), 100)
		_, err := p.SendSync(t.Context(), primitive.NewMessage("Limited", body))
		if err == nil {
			accepted = append(accepted, body)
			continue
		}
		require.ErrorContains(t, err, `limit "limited"`)
		refused++
	}
	in.AwaitExactly(t, accepted)
}
