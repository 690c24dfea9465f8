package connection

import (
	"fmt"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// A client that gets no answer in time may close the connection, and on a one-port listener it would lose all brokers for the
// sake of a slow one. So requests that their clients do not wait for are answered by the proxy first (timeouts.one_port). One
// timer for all of them, due when the first is, costs less than one each: mostly it finds that the answers have come.

// lookAtSlow comes when a request may have waited for long enough.
type lookAtSlow struct{ at int64 }

// slowGrain is how far apart two looks are at least.
const slowGrain = 50 * time.Millisecond

// answerWithin is how long a request may take; 0: as long as it likes.
func (c *connection) answerWithin(code int32) time.Duration {
	if c.links.many == nil {
		return 0
	}
	return route.OnePortTimeout(code, c.env.Settings().OnePortTimeout)
}

// dueBy looks at a time of the process clock, or a little later; a time that is over is none.
func (c *connection) dueBy(at int64) {
	m := c.links.many
	if m == nil || m.look.comes(at, int64(slowGrain)) { // nearly always: asking the clock costs more
		return
	}
	now := c.env.Now()
	if at > now && m.look.set(at, int64(slowGrain)) {
		system.After(max(time.Duration(at-now), slowGrain), c.self, &lookAtSlow{at})
	}
}

// answerSlow answers what has waited for too long.
func (c *connection) answerSlow(look *lookAtSlow) {
	m := c.links.many
	if !m.look.rings(look.at) {
		return
	}
	if c.life.handingOver() { // the client's socket is away
		c.dueBy(c.env.Now() + int64(slowGrain))
		return
	}
	now, next := c.env.Now(), int64(0)
	var late []*messages.Exchange
	for x := range c.flight.table.all() {
		at := c.due(x)
		switch {
		case at == 0:
		case at <= now:
			late = append(late, x)
		case next == 0 || at < next:
			next = at
		}
	}
	for _, x := range late {
		c.answerLate(x, now)
	}
	if next > 0 {
		c.dueBy(next)
	}
}

// due is when the proxy looks at a request; 0: never.
func (c *connection) due(x *messages.Exchange) int64 {
	switch {
	case x.Tombstone:
		return 0
	case x.FanOut != nil:
		return x.FanOut.Look
	case !x.Relayed:
		return 0
	}
	if within := c.answerWithin(x.Header.Code); within > 0 {
		return x.Arrived + int64(within)
	}
	return 0
}

// answerLate answers a request and leaves a tombstone for the broker's answer. The actor of a fan-out knows better.
func (c *connection) answerLate(x *messages.Exchange, now int64) {
	if fan := x.FanOut; fan != nil {
		if fan.Look = 0; fan.Late > now {
			fan.Look = fan.Late
			c.dueBy(fan.Late)
		}
		c.tell(x, &messages.PartsOverdue{FanOut: fan, Now: now})
		return
	}
	remark := fmt.Sprintf("rocketmq-proxy: broker %s has not answered within %s (timeouts.one_port); it may have carried the request out",
		c.links.broker(c.port, c.links.at(int(x.Link))), c.answerWithin(x.Header.Code))
	c.reply(x, codec.ResServiceNotAvailable, remark, nil)
}
