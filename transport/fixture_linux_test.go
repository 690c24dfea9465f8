package transport_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// newLoops makes event loops that end with the test.
func newLoops(t testing.TB, n int, o options) *transport.Loops {
	loops, err := transport.NewLoops(n, o.limits, o.window, 0, o.dialTimeout)
	require.NoError(t, err)
	t.Cleanup(loops.Close)
	return loops
}

func init() {
	// One loop, so that all connections of a test meet on it.
	makers["loops"] = func(t testing.TB, o options) transport.Transport { return newLoops(t, 1, o) }
	makers["loops that read before they deliver"] = func(t testing.TB, o options) transport.Transport {
		loops := newLoops(t, 1, o)
		transport.GatherAlways(loops)
		return loops
	}
}
