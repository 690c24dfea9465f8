package connection

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/stats"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// maxClusterQueries is how many requests of one client a name server, or the cluster, may have under way. Answers may be large,
// there are no long polls among them, and clients ask one after another.
const maxClusterQueries = 32

// fewRequests is how many requests of one client may wait for an answer while the budget of memory is used up: what an
// ordinary client has.
const fewRequests = 32

// busy reports that as many requests wait for an answer as may. A client with as many is not read until answers come:
// brokers answer everything in the end, long polls as well, and what is never answered expires (expire).
func (c *connection) busy() bool {
	most := c.env.Settings().RequestsPerConnection
	if c.port.Role == messages.NameServerPort && (most == 0 || most > maxClusterQueries) {
		most = maxClusterQueries
	}
	return most > 0 && c.flight.count >= most || c.flight.count >= fewRequests && c.overBudget()
}

// overBudget reports that the memory for what clients send is used up.
func (c *connection) overBudget() bool {
	c.account()
	return c.env.Transport.Over()
}

// unread reports that the client does not read its answers. Half of what the upstream may have delivered is
// enough to tell: the upstream's own memory is what more questions would cost. Flow does not have the writes of this round
// sent first, as Kept does.
func (c *connection) unread() bool {
	return c.out.sock.Flow().Kept > c.env.Settings().BufferPerConnection/4
}

// full reports that nothing new may be begun for a client that does not read its answers, or asks without waiting.
// The chunks that wait meanwhile fill the window of its socket, which is then no longer read.
func (c *connection) full() bool {
	return c.busy() || c.life.handingOver() || c.unread() || c.out.crowded() || c.bulkWaits() || c.onePortWaits() || c.flight.parksFree() || c.delayed()
}

// missedTimeout is the reason to close the connection of a client that is too slow (stats.LateIdle and its like); "" is none.
func (c *connection) missedTimeout(now int64) string {
	s, flow := c.env.Settings(), c.out.sock.Flow()
	switch {
	case c.out.stall.Exceeded(flow, now, s.WriteStallTimeout):
		return stats.LateWriteStall
	case c.in.header.Exceeded(flow, c.in.lastHeard, now, s.HeaderTimeout):
		return stats.LateHeader
	case !c.in.heard && now-c.born >= int64(s.FirstByteTimeout):
		return stats.LateFirstByte
	case now-c.lastTraffic > int64(s.IdleTimeout):
		return stats.LateIdle
	}
	return ""
}

// cut ends a connection whose client was too slow.
func (c *connection) cut(reason string) {
	c.env.Rejections.Add(c.port.Listener, reason, c.out.sock.Remote(), c.env.Now())
	c.env.Log.Debug("client connection cut off", append(c.facts(), "setting", "timeouts."+reason)...)
	if reason == stats.LateWriteStall {
		transport.Drop(c.out.sock)
	}
	c.stop()
}

// expire forgets requests that will never be answered.
func (c *connection) expire(now int64) {
	var late []*messages.Exchange
	for x := range c.flight.table.all() {
		if now-x.Arrived > int64(expiry(x.Header.Code)) {
			late = append(late, x)
		}
	}
	for _, x := range late {
		c.remove(x)
		if !x.Tombstone {
			c.handed(x)
			c.samples.add(messages.Sample{Kind: messages.RequestAbandoned, Code: x.Header.Code})
			c.tell(x, &x.Answered) // nothing waits for it: its actor is free again
		}
	}
}

// expiry is how long a request may wait for an answer before it no longer counts as waiting. Brokers answer
// everything in time except END_TRANSACTION with state "unknown", which the Go client sends as if it had an answer,
// and codes that a 4.9 name server does not know. Nothing is sent to the client: it has its own timer.
func expiry(code int32) time.Duration {
	if code == codec.ReqEndTransaction {
		return 15 * time.Second
	}
	return 10 * time.Minute
}
