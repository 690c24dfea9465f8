package stories

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// onOnePort is a proxy with one port in front of one embedded broker. There every client does what it does elsewhere,
// whether it says which broker it means or not.
func onOnePort(t *testing.T) *harness.Target {
	t.Helper()
	cluster := harness.OwnEmbedded(t, embedded.Options{VIPChannel: true})
	target := harness.OwnProxy(t, harness.ProxyConfig{NameServer: cluster.NameServers()[0], OnePort: true})
	target.Name, target.Version = "one-port", harness.EmbeddedVersion
	return target
}

// The Go client v2.1.2 never names a broker.
func TestGoClientOnOnePort(t *testing.T) {
	t.Parallel()
	target := onOnePort(t)
	t.Run("stories", func(t *testing.T) {
		for _, story := range goStories {
			t.Run(story.name, func(t *testing.T) {
				t.Parallel()
				story.run(t, target)
			})
		}
	})
}

// Nor does Java 4.9.4. It runs before the stories that run at the same time: most of what it sends it waits 3 s for.
func TestJavaClient494OnOnePort(t *testing.T) {
	harness.RequireReal(t)
	runJavaStories(t, onOnePort(t), "4.9.4")
}

func TestMQAdmin494OnOnePort(t *testing.T) {
	harness.RequireReal(t)
	mqadminStory(t, onOnePort(t), "4.9.4")
}

// Of several brokers behind one port the Go client can use topics that are on one of them.
func TestGoClientOnOnePortOfTwoBrokers(t *testing.T) {
	harness.RequireReal(t)
	t.Parallel()
	target := onOnePortOfTwo(t)
	t.Run("stories", func(t *testing.T) {
		for _, story := range goStories {
			if story.notOfTwo == "" {
				t.Run(story.name, func(t *testing.T) {
					t.Parallel()
					story.run(t, target)
				})
			}
		}
	})
}

// onOnePortOfTwo is a proxy with one port in front of two real brokers. Topics are created on the first.
func onOnePortOfTwo(t *testing.T) *harness.Target {
	t.Helper()
	cluster := harness.StartCluster(t, "5.5.0", 2)
	target := harness.OwnProxy(t, harness.ProxyConfig{NameServer: cluster.NameServer, OnePort: true})
	target.Name, target.Version, target.Cluster = "one-port-of-two", cluster.Version, cluster
	direct, err := harness.Masters(t.Context(), cluster.NameServer)
	require.NoError(t, err)
	target.TopicsOn = map[string]string{"broker-a": direct["broker-a"]}
	return target
}

// Java 5.5.0 names the broker in what it asks of one, so there may be several.
func TestJavaClient550OnOnePortOfTwoBrokers(t *testing.T) {
	harness.RequireReal(t)
	runJavaStories(t, onOnePortOfTwo(t), "5.5.0")
}
