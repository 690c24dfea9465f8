package transport_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// newLoops makes event loops without a ring that end with the test.
func newLoops(t testing.TB, n int, o options) *transport.Loops {
	loops, err := transport.NewLoops(n, o.limits, o.window, 0, o.dialTimeout, transport.WithoutIOUring())
	require.NoError(t, err)
	t.Cleanup(loops.Close)
	return loops
}

// newRingLoops makes event loops with a ring that end with the test, if the system has rings.
func newRingLoops(t testing.TB, n int, o options) *transport.Loops {
	loops, err := transport.NewLoops(n, o.limits, o.window, 0, o.dialTimeout, transport.OnIOUringFailure(func(err error) { t.Error(err) }))
	require.NoError(t, err)
	t.Cleanup(loops.Close)
	if err := transport.IOUring(loops); err != nil {
		t.Skipf("no io_uring here: %v", err)
	}
	return loops
}

func init() {
	// One loop, so that all connections of a test meet on it.
	makers["loops"] = func(t testing.TB, o options) transport.Transport { return newLoops(t, 1, o) }
	makers["loops that read before they deliver"] = func(t testing.TB, o options) transport.Transport {
		loops := newLoops(t, 1, o)
		transport.OrderAlways(loops)
		return loops
	}
	makers["loops with a ring"] = func(t testing.TB, o options) transport.Transport {
		loops := newRingLoops(t, 1, o)
		transport.OrderAlways(loops)
		return loops
	}
}
