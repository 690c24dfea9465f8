package listener

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/connection"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// rounds let clients go, one batch after another: each client that leaves makes its consumer group rebalance, and all at
// once would be a storm at the brokers and at the proxies that take over. The first round ends clients that are quiet, the
// last one those that never are, between two of their requests.
type rounds struct {
	order    *messages.Drain // nil: not draining
	waiting  []*actor.PID
	perBatch int
	quiet    time.Duration
	cancel   []func()
}

// Self-messages.
type (
	nextBatch struct{}
	lastRound struct{}
)

const (
	// Between two batches: the longest that a few clients need to wait for, the shortest that a timer is good for.
	longestPause  = 100 * time.Millisecond
	shortestPause = 5 * time.Millisecond
)

// drain tells all connections, and lets the first go.
func (c *connections) drain(ctx actor.Context, m *messages.Drain) {
	c.rounds.order = m
	c.all(ctx, m)
	quiet := min(connection.QuietBeforeEnd, m.Over/10)
	c.round(ctx, quiet, m.Over/2)
	if quiet > 0 {
		c.rounds.cancel = append(c.rounds.cancel, system.After(m.Over*8/10, system.NewSink(c.env.System, ctx.Self()), &lastRound{}))
	}
}

// round lets all go within a time.
func (c *connections) round(ctx actor.Context, quiet, within time.Duration) {
	r := &c.rounds
	r.waiting, r.quiet, r.perBatch = append([]*actor.PID(nil), ctx.Children()...), quiet, len(ctx.Children())
	if r.perBatch == 0 {
		return
	}
	pause := max(min(within/time.Duration(r.perBatch), longestPause), shortestPause)
	if batches := int(within / pause); batches > 0 {
		r.perBatch = (r.perBatch + batches - 1) / batches
	}
	if len(r.waiting) > r.perBatch {
		r.cancel = append(r.cancel, system.Every(pause, system.NewSink(c.env.System, ctx.Self()), &nextBatch{}))
	}
	c.letNextGo(ctx)
}

// letNextGo lets the next batch go.
func (c *connections) letNextGo(ctx actor.Context) {
	r := &c.rounds
	n := min(r.perBatch, len(r.waiting))
	for _, pid := range r.waiting[:n] {
		ctx.Send(pid, &messages.LetGo{Quiet: r.quiet})
	}
	r.waiting = r.waiting[n:]
}

// includeInDrain has a connection that was accepted during a drain drain as the others do.
func (c *connections) includeInDrain(ctx actor.Context, pid *actor.PID) {
	if c.rounds.order != nil {
		ctx.Send(pid, c.rounds.order)
		ctx.Send(pid, &messages.LetGo{Quiet: c.rounds.quiet})
	}
}

// stop ends the timers.
func (r *rounds) stop() {
	for _, cancel := range r.cancel {
		cancel()
	}
	r.cancel = nil
}
