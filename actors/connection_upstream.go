package actors

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
	c.sample(messages.Sample{Kind: messages.UpstreamOpened})
	if m.Replayed {
		c.sample(messages.Sample{Kind: messages.HeartbeatReplayed})
	}
	for _, x := range c.pending {
		for ; x != nil && c.waiting > 0; x = x.Next {
			if x.Relayed {
				c.handed(x)
			}
		}
	}
}

// lost answers what the upstream will not answer any more, keeps the client, and begins anew.
func (c *connection) lost(m *messages.Lost) {
	if m.Epoch != c.epoch {
		return
	}
	c.linkUp, c.linkName = false, m.Upstream
	c.sample(messages.Sample{Kind: messages.UpstreamLost})
	if m.Malformed {
		c.sample(messages.Sample{Kind: messages.ResponseMalformed})
		c.env.Log.Warn("an upstream sent what is no frame; its connection is closed", append(c.who(), "upstream", m.Upstream, "reason", m.Reason)...)
	}
	if c.rest == relay {
		c.rest = drop
	}
	if c.down == relay {
		c.env.Log.Info("an upstream was lost in the middle of an answer; its client is disconnected, as the stream cannot go on",
			append(c.who(), "upstream", m.Upstream, "reason", m.Reason)...)
		c.ctx.Stop(c.ctx.Self())
		return
	}
	c.down = boundary
	c.writeHeld()
	var waiting []*messages.Exchange
	for _, x := range c.pending {
		for ; x != nil; x = x.Next {
			if x.Relayed {
				waiting = append(waiting, x)
			}
		}
	}
	for _, x := range waiting {
		if x.Actor == nil {
			c.forget(x)
			continue
		}
		x.Relayed = false // what it was relayed to is gone: no late answer can come
		c.fail(x, codec.ResServiceNotAvailable, lostRemark(m.Upstream, m.Reason), nil)
	}
	c.env.Log.Debug("upstream lost", append(c.who(), "upstream", m.Upstream, "reason", m.Reason, "answered", len(waiting))...)
	c.ctx.Send(c.directory, &messages.Refresh{})
	c.resume(c.beat.full)
}

// expire forgets requests that nobody will answer.
func (c *connection) expire(now int64) {
	var late []*messages.Exchange
	for _, x := range c.pending {
		for ; x != nil; x = x.Next {
			if now-x.Arrived > int64(expiry(x.Header.Code)) {
				late = append(late, x)
			}
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
