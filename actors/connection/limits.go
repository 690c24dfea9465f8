package connection

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/stats"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// maxAsking is how many requests of one client a name server, or the directory, has at a time. Answers may be large,
// there are no long polls among them, and clients ask one after another.
const maxAsking = 32

// maxHeld is how many answers of ours may wait for the end of a frame that comes slowly.
const maxHeld = 32

// busy reports that as many requests wait for an answer as may. A client with as many is not read until answers come:
// brokers answer everything in the end, long polls as well, and what is never answered expires (expire).
func (c *connection) busy() bool {
	most := c.env.Settings().RequestsPerConnection
	if c.port.Role == messages.NameServerPort && (most == 0 || most > maxAsking) {
		most = maxAsking
	}
	return most > 0 && c.count >= most
}

// unread reports that the client does not read what it is answered. Half of what the upstream may have delivered is
// enough to tell: the upstream's own memory is what more questions would cost.
func (c *connection) unread() bool { return c.sock.Kept() > c.env.Settings().BufferPerConnection/4 }

// park keeps a chunk for later.
func (c *connection) park(p parkedChunk) {
	if !c.held {
		c.held = true
		c.sample(messages.Sample{Kind: messages.HeldBack})
	}
	c.backlog = append(c.backlog, p)
}

// parkFirst keeps the rest of a chunk that was begun.
func (c *connection) parkFirst(p parkedChunk) {
	rest := c.backlog
	c.backlog = nil
	c.park(p)
	c.backlog = append(c.backlog, rest...)
}

// overdue says which time-out the client has missed; "" is none.
func (c *connection) overdue(now int64) string {
	s, flow := c.env.Settings(), c.sock.Flow()
	switch {
	case c.stall.Overdue(flow, now, s.WriteStallTimeout):
		return stats.LateWriteStall
	case c.header.Overdue(flow, c.lastHeard, now, s.HeaderTimeout):
		return stats.LateHeader
	case !c.heard && now-c.born >= int64(s.FirstByteTimeout):
		return stats.LateFirstByte
	case now-c.lastRead > int64(s.IdleTimeout):
		return stats.LateIdle
	}
	return ""
}

// cut ends a connection whose client was too slow.
func (c *connection) cut(reason string) {
	c.env.Rejections.Add(c.port.Listener, reason, c.sock.Remote(), c.env.Now())
	c.env.Log.Debug("client connection cut off", append(c.who(), "setting", "timeouts."+reason)...)
	if reason == stats.LateWriteStall {
		transport.Drop(c.sock)
	}
	c.ctx.Stop(c.ctx.Self())
}
