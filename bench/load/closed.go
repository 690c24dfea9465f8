//go:build linux

package load

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/wire"
)

// repeat sends the next request as soon as one is answered. What one read answers is followed up by one write.
func (g *generator) repeat(c *wire.Conn, slot int) { g.send(c, g.first, slot, g.loop.Now) }

// popped acknowledges what a pop (slot 0) brought, all at once, and pops again when all acks are answered.
func (g *generator) popped(c *wire.Conn, slot int) {
	if slot == 0 {
		for i := range PopMessages {
			g.send(c, g.second, 1+i, g.loop.Now)
		}
		g.acks[c.Index] = PopMessages
		return
	}
	if g.acks[c.Index]--; g.acks[c.Index] == 0 {
		g.send(c, g.first, 0, g.loop.Now)
	}
}

// mixed has each connection repeat what it does: the first ones pull.
func (g *generator) mixed(c *wire.Conn, slot int) {
	if c.Index < g.pollers {
		g.send(c, g.second, slot, g.loop.Now)
		return
	}
	g.repeat(c, slot)
}

// start begins to send: at a rate, or as much as may be in flight.
func (g *generator) start(s *Spec) error {
	if s.Rate > 0 {
		return g.startTicker(s)
	}
	window := g.slots
	if s.Workload == Pop {
		window = 1
	}
	g.loop.Now = wire.Clock()
	for _, c := range g.conns {
		for slot := range window {
			if !g.busy[c.Index*g.slots+slot] {
				g.mixed(c, slot)
			}
		}
		c.Flush()
	}
	return nil
}
