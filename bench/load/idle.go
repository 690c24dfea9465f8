//go:build linux

package load

import (
	"errors"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/wire"
)

// idle has one request answered on each connection, so that each has its upstream, and leaves them alone.
func (g *generator) idle(s *Spec) error {
	answered := 0
	g.respond = func(*generator, *wire.Conn, int) { answered++ }
	for i, c := range g.conns {
		g.send(c, g.first, 0, 0)
		c.Flush()
		// In portions, as a real fleet does not arrive within a millisecond either.
		if err := g.loop.RunUntil(wire.Clock()+int64(patience), func() bool { return answered >= i-100 }); err != nil {
			return err
		}
	}
	if err := g.loop.RunUntil(wire.Clock()+int64(patience), func() bool { return answered == len(g.conns) }); err != nil {
		return err
	}
	if answered < len(g.conns) {
		return errors.New("not all idle connections were answered within a minute")
	}
	return g.loop.RunUntil(wire.Clock()+int64(s.Settle), nil)
}
