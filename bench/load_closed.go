//go:build linux

package main

import (
	"errors"
	"time"
)

// repeat sends the next request as soon as one is answered. What one read answers is followed up by one write.
func (g *generator) repeat(c *conn, slot int) { g.send(c, g.first, slot, g.loop.now) }

// popped acknowledges what a pop (slot 0) brought, all at once, and pops again when all acks are answered.
func (g *generator) popped(c *conn, slot int) {
	if slot == 0 {
		for i := range popMessages {
			g.send(c, g.ack, 1+i, g.loop.now)
		}
		g.acks[c.index] = popMessages
		return
	}
	if g.acks[c.index]--; g.acks[c.index] == 0 {
		g.send(c, g.first, 0, g.loop.now)
	}
}

// saturate keeps every window full.
func (g *generator) saturate(s *spec, o *outcome) error {
	window := g.slots
	if g.ack != nil {
		window = 1
	}
	g.loop.now = clock()
	for _, c := range g.conns {
		for slot := range window {
			g.repeat(c, slot)
		}
		c.flush()
	}
	return g.measure(s, o)
}

// measure runs the loop, first unobserved, then observed together with the candidate's CPU time.
func (g *generator) measure(s *spec, o *outcome) error {
	if err := g.loop.runUntil(clock()+int64(s.Warmup), nil); err != nil {
		return err
	}
	cpu, err := cpuTime(s.PID)
	if err != nil {
		return err
	}
	g.measuring = true
	begin := clock()
	if err := g.loop.runUntil(begin+int64(s.Measure), nil); err != nil {
		return err
	}
	o.Seconds = time.Duration(clock() - begin).Seconds()
	after, err := cpuTime(s.PID)
	o.CPU = after - cpu
	if g.done == 0 {
		return errors.New("nothing was answered within the time of measuring: give more -seconds")
	}
	return err
}

// idlePatience is how long the answers of all idle connections may take.
const idlePatience = time.Minute

// idle has one request answered on each connection, so that each has its upstream, and leaves them alone.
func (g *generator) idle(s *spec) error {
	answered := 0
	g.respond = func(*generator, *conn, int) { answered++ }
	for i, c := range g.conns {
		g.send(c, g.first, 0, 0)
		c.flush()
		// In portions, as a real fleet does not arrive within a millisecond either.
		if err := g.loop.runUntil(clock()+int64(idlePatience), func() bool { return answered >= i-100 }); err != nil {
			return err
		}
	}
	if err := g.loop.runUntil(clock()+int64(idlePatience), func() bool { return answered == len(g.conns) }); err != nil {
		return err
	}
	if answered < len(g.conns) {
		return errors.New("not all idle connections were answered within a minute")
	}
	return g.loop.runUntil(clock()+int64(s.Settle), nil)
}
