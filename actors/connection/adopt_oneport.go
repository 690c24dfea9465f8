package connection

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// On a one-port listener each link goes to the other process with its socket. Fan-outs do not: they are over in a moment, or
// when their time is.

// onePortState is what the other process must know of the links; nil: it is another port.
func (c *connection) onePortState() *messages.OnePortState {
	m := c.links.many
	if m == nil {
		return nil
	}
	m.client.Now = c.env.Now()
	s := &messages.OnePortState{Pushed: m.pushed, Pops: m.client.Pops()}
	for _, f := range m.list {
		s.Links = append(s.Links, messages.LinkState{Broker: f.broker, Upstream: f.address, Member: f.member, Confirmed: f.confirmed.state()})
	}
	for _, p := range m.pushes {
		if l := c.links.of(p.epoch); l != nil {
			s.Pushes = append(s.Pushes, messages.Push{Opaque: p.opaque, Theirs: p.theirs, Link: l.number})
		}
	}
	return s
}

// rememberLinks makes the links anew that the other process had. It reports false when a broker is no longer known: what was
// asked of it has no place here.
func (c *connection) rememberLinks(s *messages.OnePortState) bool {
	if s == nil {
		return true
	}
	m := c.links.many
	m.pushed = s.Pushed
	m.client.Now = c.env.Now()
	m.client.RememberPops(s.Pops)
	for i := range s.Links {
		of := &s.Links[i]
		f := c.newFar(of.Broker)
		if f == nil {
			return false
		}
		f.address, f.member, f.confirmed = of.Upstream, of.Member && of.Connected, confirmationOf(of.Confirmed)
	}
	return true
}

// adoptLinks goes on with the sockets of the links.
func (c *connection) adoptLinks(s *messages.OnePortState, sockets []transport.Conn) {
	m := c.links.many
	for i, f := range m.list {
		var sock transport.Conn
		if s.Links[i].Connected {
			sock, sockets = sockets[0], sockets[1:]
			f.state = up // also for what the client sends before the upstream has said so
		}
		c.startLink(&f.link, c.replayOn(&f.link), sock, f.address)
	}
	for _, p := range s.Pushes {
		if s.Links[p.Link].Connected {
			m.pushes = append(m.pushes, push{p.Opaque, p.Theirs, m.list[p.Link].epoch})
		}
	}
	c.linked()
}
