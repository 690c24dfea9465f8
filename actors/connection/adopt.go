package connection

import (
	"slices"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// state is what the other process must know; ok is false while a local reply is being made, or answers are joined.
func (c *connection) state() (s messages.ConnectionState, ok bool) {
	s = messages.ConnectionState{
		Listener: c.port.Listener, Role: c.port.Role, Broker: c.port.Broker, Language: c.in.language,
		Version: c.in.version, ClientID: c.heartbeat.clientID, Consumer: c.heartbeat.consumer,
		Silent: !c.in.heard, Heartbeat: c.heartbeat.full, Upstream: c.links.solo.address, OnePort: c.onePortState(),
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
			Link: x.Link, Pop: x.Pop,
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
	if !c.rememberLinks(s.OnePort) {
		for _, upstream := range m.Upstreams {
			upstream.Close()
		}
		c.stop()
		return
	}
	for i := len(s.Pending) - 1; i >= 0; i-- { // of one opaque the newest comes first
		if !s.Pending[i].NoOpaque { // which a process of an earlier version waited for
			c.adoptRequest(&s.Pending[i])
		}
	}
	switch {
	case s.OnePort != nil:
		c.adoptLinks(s.OnePort, m.Upstreams)
	case len(m.Upstreams) > 0:
		c.startLink(&c.links.solo, s.Heartbeat, m.Upstreams[0], s.Upstream)
	case s.Heartbeat != nil:
		c.startLink(&c.links.solo, s.Heartbeat, nil, s.Upstream)
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
		c.flight.leaveTombstone(p.Link, h, arrived)
		return
	}
	x := c.lease()
	x.Header, x.Arrived, x.Relayed, x.Link, x.AskedOffset, x.Pop = h, arrived, true, p.Link, messages.NoOffset, p.Pop
	if p.Asked != nil {
		x.AskedOffset = *p.Asked
	}
	c.flight.add(x)
	c.expect(c.links.at(int(p.Link)), x)
	if within := c.answerWithin(p.Code); within > 0 {
		c.dueBy(max(arrived+int64(within), c.env.Now()+int64(slowGrain)))
	}
	c.samples.add(messages.Sample{Kind: messages.RequestMovedHere, Code: p.Code})
	start(x)
}
