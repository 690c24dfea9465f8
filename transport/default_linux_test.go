package transport_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// There is one P that no loop holds, however many transports a process makes.
func TestOnePIsLeftToOthers(t *testing.T) {
	for range 2 {
		tr, stop, err := transport.New(codec.Limits{}, 0, 0, 0)
		require.NoError(t, err)
		require.Equal(t, runtime.GOMAXPROCS(0)-1, len(tr.Executors()))
		stop()
	}
}
