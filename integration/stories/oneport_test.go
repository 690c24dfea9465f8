package stories

import (
	"testing"

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

// Java 5.5.0 names the broker in what it asks of one, so there may be several.
func TestJavaClient550OnOnePortOfTwoBrokers(t *testing.T) {
	harness.RequireReal(t)
	cluster := harness.StartCluster(t, "5.5.0", 2)
	target := harness.OwnProxy(t, harness.ProxyConfig{NameServer: cluster.NameServer, OnePort: true})
	target.Name, target.Version = "one-port-of-two", cluster.Version
	runJavaStories(t, target, "5.5.0")
}
