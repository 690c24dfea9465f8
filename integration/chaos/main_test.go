package chaos

import (
	"os"
	"testing"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// TestMain runs the tests, unless a test has started this binary as a child of its own: then it is that child.
func TestMain(m *testing.M) {
	if words := os.Getenv(goChildWords); words != "" {
		os.Exit(beGoChild(words))
	}
	if words := os.Getenv(actorChild); words != "" {
		os.Exit(beActors(words))
	}
	os.Exit(harness.Run(m))
}
