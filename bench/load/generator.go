//go:build linux

package load

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/wire"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// target is what the loop dials. With TLS that is a bridge of this process.
func (s *Spec) target() (to netip.AddrPort, err error) {
	if s.Broker != "" {
		to, err = netip.ParseAddrPort(s.Broker)
	} else if s.TLS {
		to, err = wire.AskRoute(s.NameServer, wire.ClientTLS())
	} else {
		to, err = wire.AskRoute(s.NameServer, nil)
	}
	if err == nil && s.TLS {
		to, err = wire.Originate(to)
	}
	return to, err
}

// generator is the load on its way. It is the peer of all its connections; each has slots, one for each request that
// may be in flight, and a slot's number is in the opaque of its request.
type generator struct {
	loop    *wire.Loop
	conns   []*wire.Conn
	slots   int // of one connection
	first   *wire.Template
	second  *wire.Template // the ack of Pop, the pull of Mixed
	started []int64        // by connection and slot: when the request was, or should have been, sent
	ticker  *ticker        // open loop; nil: closed
	free    [][]int        // open loop: slots at rest, by connection
	acks    []int          // pop: acks that wait for their answer, by connection

	busy     []bool // by connection and slot: a request is in flight
	inFlight int
	stopping bool // no answer is followed by a request

	respond   func(g *generator, c *wire.Conn, slot int)
	measuring bool
	counting  bool // answers, not their time
	done      int
	took      []time.Duration
	pollers   int // the first connections, whose requests wait: their time says nothing
}

var errRefused = errors.New("a request was answered with an error")

func (s *Spec) connect(to netip.AddrPort) (*generator, error) {
	l, err := wire.NewLoop()
	if err != nil {
		return nil, err
	}
	g := &generator{loop: l, slots: s.Window, took: make([]time.Duration, 0, 1<<20), pollers: s.Pollers, respond: (*generator).repeat}
	g.first, g.second = s.Workload.templates(s.Answer)
	switch s.Workload {
	case Pop:
		g.slots, g.respond = 1+PopMessages, (*generator).popped
		g.acks = make([]int, s.Connections)
	case Mixed:
		g.respond = (*generator).mixed
	default: // the same request again
	}
	g.started, g.busy = make([]int64, s.Connections*g.slots), make([]bool, s.Connections*g.slots)
	for i := range s.Connections {
		c, err := l.Connect(to, wire.Loopback(1+i/20_000), g)
		if err != nil {
			return nil, fmt.Errorf("connection %d of %d: %w", i+1, s.Connections, err)
		}
		c.Index = i
		g.conns = append(g.conns, c)
	}
	return g, nil
}

// Frame counts an answer and responds to it.
func (g *generator) Frame(c *wire.Conn, head []byte) {
	slot := wire.OpaqueOf(head) - wire.FirstOpaque
	if wire.CodeOf(head) != int(codec.ResSuccess) || slot < 0 || slot >= g.slots {
		g.loop.Err = fmt.Errorf("%w: %q", errRefused, head[codec.PrefixLen:])
		return
	}
	at := c.Index*g.slots + slot
	if g.measuring || g.counting {
		g.done++
		if g.measuring && c.Index >= g.pollers {
			g.took = append(g.took, time.Duration(g.loop.Now-g.started[at]))
		}
	}
	g.busy[at] = false
	g.inFlight--
	if !g.stopping || g.free != nil {
		g.respond(g, c, slot)
	}
}

// Closed ends the measurement.
func (g *generator) Closed(c *wire.Conn, err error) {
	g.loop.Err = fmt.Errorf("connection %d was closed: %w", c.Index, err)
}

// send puts a request into the batch. Its time counts from at.
func (g *generator) send(c *wire.Conn, t *wire.Template, slot int, at int64) {
	i := c.Index*g.slots + slot
	g.started[i], g.busy[i] = at, true
	g.inFlight++
	g.loop.Batch = t.AppendTo(g.loop.Batch, wire.FirstOpaque+slot)
}
