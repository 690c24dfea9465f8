package stories

import (
	"testing"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// The wheel of this client is for Linux on x86-64.
func TestCPPClient(t *testing.T) {
	t.Parallel()
	harness.EachTarget(t, func(t *testing.T, target *harness.Target) { sendAndReceive(t, target, harness.CPPStory) })
}
