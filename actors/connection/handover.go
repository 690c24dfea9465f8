package connection

import (
	"errors"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Handing over: a connection that stands between two frames is nothing but two sockets and the list of requests that
// the upstream has yet to answer. Another process can go on with it, and neither client nor broker notice: the
// client's connection stays, and so does its registration at the broker, which hangs on the upstream's.
//
//	HandOver → Surrender to the upstream → Surrendered → Parcel to who asked → Moved, or Stay

// handOver gives the connection away if it can be cut here.
func (c *connection) handOver() {
	if c.bye.asker != nil || !c.betweenFrames() {
		c.ctx.Respond(&messages.NotNow{})
		return
	}
	c.parting().asker = c.ctx.Sender() // from now on what the client sends is parked
	if c.link.PID == nil {
		c.surrendered(&messages.Surrendered{FD: -1, OK: true})
		return
	}
	c.link.Deliver(&messages.Surrender{})
}

// betweenFrames reports that all there is to know are the requests that wait for the upstream.
func (c *connection) betweenFrames() bool {
	return c.sock != nil && c.rest == boundary && c.down == boundary && len(c.hold) == 0 && len(c.backlog) == 0 &&
		c.asking == 0 && c.waiting == 0 && c.beat.arriving == nil && c.sock.Kept() == 0 && (c.linkUp || c.count == 0)
}

// surrendered: the upstream has given its socket. What came meanwhile may have made this a bad moment.
func (c *connection) surrendered(m *messages.Surrendered) {
	if !m.OK {
		c.notNow(m.Never)
		return
	}
	state, ok := c.state()
	if !ok || !c.betweenFrames() {
		c.takeBack(m.FD)
		c.notNow(false)
		return
	}
	fd, err := transport.Detach(c.sock)
	if err != nil {
		c.takeBack(m.FD)
		c.notNow(errors.Is(err, errors.ErrUnsupported))
		return
	}
	c.parting().given = &messages.Parcel{Client: fd, Upstream: m.FD, State: state}
	c.ctx.Send(c.bye.asker, c.bye.given)
}

func (c *connection) notNow(never bool) {
	c.ctx.Send(c.bye.asker, &messages.NotNow{Never: never})
	c.parting().asker = nil
	c.unpark()
}

func (c *connection) takeBack(upstream int) {
	if c.link.PID != nil {
		c.link.Deliver(&messages.Restore{FD: upstream})
	}
}

// stay: nobody took it. It goes on with the same sockets.
func (c *connection) stay() {
	if c.bye.given == nil {
		return
	}
	c.sock = c.env.Transport.(transport.Sharing).Adopt(c.bye.given.Client, c.sock.Executor())
	c.takeBack(c.bye.given.Upstream)
	bye := c.parting()
	bye.given, bye.asker = nil, nil
	c.sock.Start(&c.self)
	c.endIfDrained()
}

// moved: another process has the sockets.
func (c *connection) moved() {
	c.parting().moved = true
	c.sample(messages.Sample{Kind: messages.ConnectionMovedAway})
	c.ctx.Stop(c.ctx.Self())
}

// state is what the other process must know; ok is false while an answer of ours is being made.
func (c *connection) state() (s messages.ConnectionState, ok bool) {
	s = messages.ConnectionState{Listener: c.port.Listener, Role: c.port.Role, Broker: c.port.Broker, Language: c.language,
		Version: c.version, ClientID: c.beat.ClientID, Heartbeat: c.beat.full, Upstream: c.linkName}
	now := c.env.Now()
	for x := range c.pending.all() {
		if !x.Relayed {
			return s, false
		}
		h := &x.Header
		s.Pending = append(s.Pending, messages.Pending{Code: h.Code, Flag: h.Flag, Opaque: h.Opaque, Version: h.Version,
			Language: h.Language, Encoding: h.Encoding, NoOpaque: h.NoOpaque, Age: time.Duration(now - x.Arrived), Dead: x.Actor == nil})
	}
	return s, true
}

// adopt goes on with a connection of another process.
func (c *connection) adopt(m *messages.Adopt) {
	c.enter(m.Port, m.Conn)
	s := m.State
	c.language, c.version, c.beat.ClientID = s.Language, s.Version, s.ClientID
	if s.Heartbeat != nil {
		c.beat.learn(s.Heartbeat)
		c.beat.account(c.env)
	}
	c.sample(messages.Sample{Kind: messages.ConnectionMovedHere})
	for i := len(s.Pending) - 1; i >= 0; i-- { // of one opaque the newest comes first
		c.adoptRequest(&s.Pending[i])
	}
	if m.Upstream != nil || s.Heartbeat != nil {
		c.startLink(s.Heartbeat, m.Upstream, s.Upstream)
	}
	c.sock.Start(&c.self)
}

func (c *connection) adoptRequest(p *messages.Pending) {
	h := codec.Header{Code: p.Code, Flag: p.Flag, Opaque: p.Opaque, Version: p.Version, Language: p.Language,
		Encoding: p.Encoding, NoOpaque: p.NoOpaque}
	arrived := c.env.Now() - int64(p.Age)
	if p.Dead {
		c.mourn(&messages.Exchange{Header: h, Arrived: arrived})
		return
	}
	l := c.leaseOne()
	x := l.x
	x.Actor, x.Process = l.pid, l.process
	x.Header, x.Arrived, x.Relayed = h, arrived, true
	c.enlist(x)
	c.count++
	c.sample(messages.Sample{Kind: messages.RequestMovedHere, Code: p.Code})
	l.process.SendUserMessage(l.pid, &x.Begin)
}
