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
	if m.Epoch != c.link.epoch || c.link.state != up {
		return
	}
	c.link.state = retired
	if c.port.Role != messages.NameServerPort { // a name server that was removed still answers
		system.After(retireTimeout, c.self, &retiredFor{m.Epoch})
	}
}

// leaveRetired leaves the link if nothing is in flight there.
func (c *connection) leaveRetired() {
	if c.in.continuation != boundary || c.link.continuation != boundary || c.life.handingOver() || !c.flight.onlyPolls() {
		return
	}
	c.leave()
}

// retiredForLong leaves the link whatever is in flight: that is lost.
func (c *connection) retiredForLong(m *retiredFor) {
	switch {
	case m.epoch != c.link.epoch || c.link.state != retired:
	case c.life.handingOver(): // the address is checked again by the process that has it then
		c.link.state = up
	default:
		c.leave()
	}
}

// leave closes the upstream and begins again at the present address, with the client's heartbeat. What still waits for the
// old one is answered as after a loss.
func (c *connection) leave() {
	c.env.Log.Debug("upstream to outdated address closed", append(c.facts(), "upstream", c.link.address)...)
	address := c.link.address
	c.link.down("")
	c.link.upstream.Deliver(&messages.Leave{})
	if c.flight.count > 0 || c.in.continuation != boundary || c.link.continuation != boundary {
		c.lost(&messages.Lost{Epoch: c.link.epoch, Upstream: address, Reason: "its address is no longer used", Opened: true})
		return
	}
	for _, x := range c.flight.relayed() { // tombstones of answers that can no longer come
		c.flight.remove(x)
	}
	c.resume(&messages.Resume{Heartbeat: c.heartbeat.full})
}
