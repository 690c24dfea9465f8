package connection

import (
	"errors"
	"slices"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Handing over: a connection that stands between two frames is nothing but two sockets and the list of requests that
// the upstream has yet to answer. Another process can go on with it, and neither client nor broker notice: the
// client's connection stays, and so does its registration at the broker, which hangs on the upstream's.
//
//	HandOver → ReleaseSocket → SocketReleased → HandedOverConnection → HandOverDone, or HandOverAborted

// handOver gives the connection away if it can be cut here.
func (c *connection) handOver() {
	if c.links.many == nil {
		c.answerHeld() // they come again, at the other process
	}
	if c.life.handingOver() || !c.betweenFrames() || c.links.many != nil {
		c.ctx.Respond(&messages.NotNow{Never: c.links.many != nil})
		return
	}
	c.life.order().asker = c.ctx.Sender() // from now on what the client sends is parked
	l := &c.links.solo
	if !l.exists() {
		c.socketReleased(&messages.SocketReleased{FD: -1, OK: true})
		return
	}
	l.upstream.Deliver(&messages.ReleaseSocket{})
}

// betweenFrames reports that all there is to know are the requests that wait for the upstream.
func (c *connection) betweenFrames() bool {
	return c.out.sock != nil && c.in.between() && c.out.between() && c.links.between() && c.flight.asking == 0 && !c.flight.parks() &&
		c.flight.waiting == 0 && c.heartbeat.arriving == nil && c.out.sock.Kept() == 0 && (c.links.solo.isUp() || c.flight.count == 0)
}

// socketReleased: the upstream has given its socket. What came meanwhile may have made this a bad moment.
func (c *connection) socketReleased(m *messages.SocketReleased) {
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
	fd, err := transport.Detach(c.out.sock)
	if err != nil {
		c.takeBack(m.FD)
		c.notNow(errors.Is(err, errors.ErrUnsupported))
		return
	}
	c.life.order().given = &messages.HandedOverConnection{Client: fd, Upstream: m.FD, State: state}
	c.ctx.Send(c.life.drain.asker, c.life.drain.given)
}

func (c *connection) notNow(never bool) {
	c.ctx.Send(c.life.drain.asker, &messages.NotNow{Never: never})
	c.life.order().asker = nil
}

func (c *connection) takeBack(upstream int) {
	if l := &c.links.solo; l.exists() {
		l.upstream.Deliver(&messages.ReturnSocket{FD: upstream})
	}
}

// handOverAborted: no process took it. It goes on with the same sockets.
func (c *connection) handOverAborted() {
	d := c.life.drain
	if d == nil || d.given == nil {
		return
	}
	c.out.sock = c.env.Transport.(transport.Sharing).Adopt(d.given.Client, c.out.sock.Executor())
	c.takeBack(d.given.Upstream)
	d.given, d.asker = nil, nil
	c.out.sock.Start(&c.self)
}

// handOverDone: another process has the sockets.
func (c *connection) handOverDone() {
	c.life.order().moved = true
	c.samples.add(messages.Sample{Kind: messages.ConnectionMovedAway})
	c.stop()
}

// state is what the other process must know; ok is false while a local reply is being made.
func (c *connection) state() (s messages.ConnectionState, ok bool) {
	s = messages.ConnectionState{
		Listener: c.port.Listener, Role: c.port.Role, Broker: c.port.Broker, Language: c.in.language,
		Version: c.in.version, ClientID: c.heartbeat.clientID, Consumer: c.heartbeat.consumer,
		Silent: !c.in.heard, Heartbeat: c.heartbeat.full, Upstream: c.links.solo.address,
	}
	s.Confirmed = c.links.solo.confirmed.state()
	now := c.env.Now()
	s.Age = time.Duration(now - c.born)
	for x := range c.flight.table.all() {
		if !x.Relayed {
			return s, false
		}
		h := &x.Header
		var asked *int64
		if x.AskedOffset != messages.NoOffset && !x.Tombstone {
			offset := x.AskedOffset
			asked = &offset
		}
		s.Pending = append(s.Pending, messages.Pending{
			Asked: asked, Code: h.Code, Flag: h.Flag, Opaque: h.Opaque, Version: h.Version,
			Language: h.Language, Encoding: h.Encoding, NoOpaque: h.NoOpaque, Age: time.Duration(now - x.Arrived), Dead: x.Tombstone,
		})
	}
	slices.Reverse(s.Pending) // of one opaque the newest comes first
	return s, true
}

// adopt goes on with a connection of another process.
func (c *connection) adopt(m *messages.Adopt) {
	c.enter(m.Port, m.Conn)
	s := m.State
	c.remember(s)
	c.samples.add(messages.Sample{Kind: messages.ConnectionMovedHere})
	for i := len(s.Pending) - 1; i >= 0; i-- { // of one opaque the newest comes first
		if !s.Pending[i].NoOpaque { // which a process of an earlier version waited for
			c.adoptRequest(&s.Pending[i])
		}
	}
	if m.Upstream != nil || s.Heartbeat != nil {
		c.startLink(&c.links.solo, s.Heartbeat, m.Upstream, s.Upstream)
	}
	c.out.sock.Start(&c.self)
}

// remember takes over what the other process knew of the client. Neither its age nor what it is held to begins again.
func (c *connection) remember(s *messages.ConnectionState) {
	c.born = c.env.Now() - int64(s.Age)
	c.in.language, c.in.version, c.in.heard = s.Language, s.Version, !s.Silent
	c.heartbeat.clientID, c.heartbeat.consumer = shortID(s.ClientID), s.Consumer
	c.links.solo.confirmed = confirmationOf(s.Confirmed)
	if s.Heartbeat != nil {
		c.heartbeat.learn(s.Heartbeat)
		c.heartbeat.account(c.env)
	}
}

func (c *connection) adoptRequest(p *messages.Pending) {
	h := codec.Header{
		Code: p.Code, Flag: p.Flag, Opaque: p.Opaque, Version: p.Version, Language: p.Language,
		Encoding: p.Encoding, NoOpaque: p.NoOpaque,
	}
	arrived := c.env.Now() - int64(p.Age)
	if p.Dead {
		c.flight.leaveTombstone(0, h, arrived)
		return
	}
	x := c.lease()
	x.Header, x.Arrived, x.Relayed, x.AskedOffset = h, arrived, true, messages.NoOffset
	if p.Asked != nil {
		x.AskedOffset = *p.Asked
	}
	c.flight.add(x)
	c.expect(&c.links.solo, x)
	c.samples.add(messages.Sample{Kind: messages.RequestMovedHere, Code: p.Code})
	start(x)
}
