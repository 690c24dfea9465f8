//go:build linux

package load

import (
	"errors"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/wire"
)

// idle has one request answered on each connection, or one of each of two brokers, so that each has its upstreams, and leaves
// them alone.
func (g *generator) idle(s *Spec) error {
	answered, each := 0, 1
	if s.Workload == Both {
		each = 2
	}
	g.respond = func(*generator, *wire.Conn, int) { answered++ }
	for i, c := range g.conns {
		g.send(c, g.first, 0, 0)
		if each == 2 {
			g.send(c, g.second, 1, 0)
		}
		c.Flush()
		// In portions, as a real fleet does not arrive within a millisecond either.
		if err := g.loop.RunUntil(wire.Clock()+int64(patience), func() bool { return answered >= each*(i-100) }); err != nil {
			return err
		}
	}
	if err := g.loop.RunUntil(wire.Clock()+int64(patience), func() bool { return answered == each*len(g.conns) }); err != nil {
		return err
	}
	if answered < each*len(g.conns) {
		return errors.New("not all idle connections were answered within a minute")
	}
	return g.loop.RunUntil(wire.Clock()+int64(s.Settle), nil)
}
