package transport

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// dribblers makes one connection of each transport at a time.
func dribblers(t *testing.T) map[string]func() *dribbled {
	return map[string]func() *dribbled{"Net": dribbledNet, "Loops": func() *dribbled {
		loops, err := NewLoops(1, codec.Limits{}, 0, 0, 0)
		require.NoError(t, err)
		loops.Close() // its thread is the test's from here on
		c := loops.newConn(loops.loops[0], -1)
		d := &dribbled{held: func() int { return c.loop.held }}
		c.sink = d
		d.feed = feeding(&c.readBuf, &c.carry, c.takeBuffer, c.hand)
		return d
	}}
}
