package stories

import (
	"testing"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// TestCPPClient leaves the embedded broker out, which refuses heartbeats of this client: it writes enumerations as
// numbers and versions of subscriptions as text, which real brokers read.
func TestCPPClient(t *testing.T) {
	t.Parallel()
	harness.EachTargetOf(t, []string{"5.5.0", "4.9.7"}, func(t *testing.T, target *harness.Target) {
		sendAndReceive(t, target, harness.CPPStory)
	})
}
