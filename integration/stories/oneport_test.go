package stories

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// With one broker behind one port every client does what it does elsewhere, whether it says which broker it means or not: the Go
// client v2.1.2 never does.
func TestGoClientOnOnePort(t *testing.T) {
	t.Parallel()
	cl, err := embedded.Start(embedded.Options{VIPChannel: true})
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	target := harness.ConfiguredProxy(t, harness.ProxyConfig{NameServer: cl.NameServers()[0], OnePort: true})
	target.Version = harness.EmbeddedVersion
	target.Brokers, err = harness.Masters(t.Context(), target.NameServer)
	require.NoError(t, err)
	t.Run("stories", func(t *testing.T) {
		for _, story := range goStories {
			t.Run(story.name, func(t *testing.T) {
				t.Parallel()
				story.run(t, target)
			})
		}
	})
}
