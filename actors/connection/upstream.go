package connection

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// opened: what waited for the upstream is on its way.
func (c *connection) opened(m *messages.Opened) {
	if m.Epoch != c.epoch {
		return
	}
	c.linkUp, c.linkName = true, m.Upstream
	if c.fate == doomed { // the broker has lost this connection only
		c.breakOff()
		return
	}
	c.sample(messages.Sample{Kind: messages.UpstreamOpened})
	if m.Replayed {
		c.replayed = true
		c.sample(messages.Sample{Kind: messages.HeartbeatReplayed})
	}
	for x := range c.pending.all() {
		if x.Relayed {
			c.handed(x)
		}
	}
}

// lost answers what the upstream will not answer any more, keeps the client, and begins anew.
func (c *connection) lost(m *messages.Lost) {
	if m.Epoch != c.epoch {
		return
	}
	c.linkUp, c.linkName = false, m.Upstream
	c.noteLoss(m)
	if c.rest == relay {
		c.rest = drop
	}
	if c.down == relay {
		c.env.Log.Info("an upstream was lost in the middle of an answer; its client is disconnected, as the stream cannot go on",
			append(c.who(), "upstream", m.Upstream, "reason", m.Reason)...)
		c.breakOff()
		return
	}
	c.down = boundary
	c.writeHeld()
	waiting := c.relayed()
	switch {
	case c.undecided(m, len(waiting)):
	case c.fate == doomed:
		c.breakOff()
		return
	default:
		c.answerLost(m, waiting)
	}
	c.env.Log.Debug("upstream lost", append(c.who(), "upstream", m.Upstream, "reason", m.Reason, "waiting", len(waiting))...)
	c.ctx.Send(c.cluster, &messages.Refresh{})
	c.resume(&messages.Resume{Heartbeat: c.beat.full, Redial: len(waiting) > 0})
	if !c.keeps() && c.fate != doomed && c.port.To.Away() {
		c.endWhenAnswered()
	}
}

func (c *connection) noteLoss(m *messages.Lost) {
	if m.Opened {
		c.sample(messages.Sample{Kind: messages.UpstreamLost})
	}
	if m.Malformed {
		c.sample(messages.Sample{Kind: messages.ResponseMalformed})
		c.env.Log.Warn("an upstream sent what is no frame; its connection is closed", append(c.who(), "upstream", m.Upstream, "reason", m.Reason)...)
	}
}

// relayed are the requests that wait for the upstream.
func (c *connection) relayed() (waiting []*messages.Exchange) {
	for x := range c.pending.all() {
		if x.Relayed {
			waiting = append(waiting, x)
		}
	}
	return waiting
}

// answerLost answers what the upstream will not answer any more.
func (c *connection) answerLost(m *messages.Lost, waiting []*messages.Exchange) {
	for _, x := range waiting {
		if x.Actor == nil {
			c.forget(x)
			continue
		}
		x.Relayed = false // what it was relayed to is gone: no late answer can come
		c.fail(x, codec.ResServiceNotAvailable, lostRemark(m.Upstream, m.Reason), nil)
	}
}

// leaveForsaken lets go of a name server that is asked no more, once nothing is in flight there. The next request goes to
// another one, and the client notices nothing.
func (c *connection) leaveForsaken() {
	if !c.forsaken || !c.linkUp || c.count > 0 || c.rest != boundary || c.down != boundary || c.bye.asker != nil {
		return
	}
	for _, x := range c.relayed() { // marks of answers that cannot come any more
		c.forget(x)
	}
	c.env.Log.Debug("a client's connection to a name server that is asked no more is closed", append(c.who(), "upstream", c.linkName)...)
	c.forsaken, c.linkUp, c.linkName = false, false, ""
	c.link.Deliver(&messages.Leave{})
	c.resume(&messages.Resume{})
}

// expire forgets requests that nobody will answer.
func (c *connection) expire(now int64) {
	var late []*messages.Exchange
	for x := range c.pending.all() {
		if now-x.Arrived > int64(expiry(x.Header.Code)) {
			late = append(late, x)
		}
	}
	for _, x := range late {
		c.forget(x)
		if x.Actor != nil {
			c.sample(messages.Sample{Kind: messages.RequestAbandoned, Code: x.Header.Code})
			c.fail(x, codec.ResSystemError, "", nil) // gives the actor back; nothing is written for a forgotten request
		}
	}
}

// expiry is how long a request may wait for an answer before it is not counted as waiting any more. Brokers answer
// everything in time except END_TRANSACTION with state "unknown", which the Go client sends as if it had an answer,
// and codes that a 4.9 name server does not know. Nothing is sent to the client: it has its own timer.
func expiry(code int32) time.Duration {
	if code == codec.ReqEndTransaction {
		return 15 * time.Second
	}
	return 10 * time.Minute
}
