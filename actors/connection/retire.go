package connection

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// A link is retired when its address is not one to stay with: a name server was removed, or its name stands for another
// machine; another process has taken a broker's place (controller mode, an acting master, a move), while the old one lives
// and would answer each send with an error for ever. It is left as soon as nothing is in flight, and the client notices
// nothing. Polls that a broker holds are not in flight: consumers always have some.

// retireTimeout is how long requests to the old broker may take. A client's own timeout is 3 s.
const retireTimeout = 3 * time.Second

// retiredFor comes when a link has been retired for long enough.
type retiredFor struct{ epoch int32 }

// outdated retires the link.
func (c *connection) outdated(m *messages.Outdated) {
	l := c.links.of(m.Epoch)
	if l == nil || l.state != up {
		return
	}
	l.state = retired
	if c.links.broker(c.port, l) != "" { // a name server that was removed still answers
		system.After(retireTimeout, c.self, &retiredFor{m.Epoch})
	}
}

// leaveRetired leaves links that are retired and have nothing in flight.
func (c *connection) leaveRetired() {
	for i := range c.links.len() {
		l := c.links.at(i)
		if l.state == retired && c.in.continuation == boundary && l.continuation == boundary && !c.life.handingOver() && c.flight.onlyPolls() {
			c.leave(l)
		}
	}
}

// retiredForLong leaves the link whatever is in flight: that is lost.
func (c *connection) retiredForLong(m *retiredFor) {
	l := c.links.of(m.epoch)
	switch {
	case l == nil || l.state != retired:
	case c.life.handingOver(): // the address is checked again by the process that has it then
		l.state = up
	default:
		c.leave(l)
	}
}

// leave closes a link's upstream and begins again at the present address, with the client's heartbeat. What still waits for the
// old one is answered as after a loss.
func (c *connection) leave(l *link) {
	c.env.Log.Debug("upstream to outdated address closed", append(c.facts(), "upstream", l.address)...)
	address := l.address
	l.down("")
	l.upstream.Deliver(&messages.Leave{})
	if c.flight.count > 0 || c.in.continuation != boundary || l.continuation != boundary {
		c.lost(&messages.Lost{Epoch: l.epoch, Upstream: address, Reason: "its address is no longer used", Opened: true})
		return
	}
	for _, x := range c.flight.relayed(l.number) { // tombstones of answers that can no longer come
		c.flight.remove(x)
	}
	c.resume(l, &messages.Resume{Heartbeat: c.replayOn(l)})
}
