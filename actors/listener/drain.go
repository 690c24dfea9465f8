package listener

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/connection"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// rounds let clients go, one after another: each one that leaves makes its consumer group rebalance, and all at once
// would be a storm at the brokers and at whoever takes over. The first round ends those who are quiet, the last one
// those who never are, between two of their requests.
type rounds struct {
	order   *messages.Drain // nil: not draining
	waiting []*actor.PID
	perTurn int
	quiet   time.Duration
	cancel  []func()
}

// Self-messages.
type (
	nextTurn  struct{}
	lastRound struct{}
)

const (
	// Between two farewells: the longest that a few clients need to wait for, the shortest that a timer is good for.
	longestTurn  = 100 * time.Millisecond
	shortestTurn = 5 * time.Millisecond
)

// drain tells everybody, and lets the first go.
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
	r.waiting, r.quiet, r.perTurn = append([]*actor.PID(nil), ctx.Children()...), quiet, len(ctx.Children())
	if r.perTurn == 0 {
		return
	}
	turn := max(min(within/time.Duration(r.perTurn), longestTurn), shortestTurn)
	if turns := int(within / turn); turns > 0 {
		r.perTurn = (r.perTurn + turns - 1) / turns
	}
	if len(r.waiting) > r.perTurn {
		r.cancel = append(r.cancel, system.Every(turn, system.NewSink(c.env.System, ctx.Self()), &nextTurn{}))
	}
	c.farewell(ctx)
}

func (c *connections) farewell(ctx actor.Context) {
	r := &c.rounds
	n := min(r.perTurn, len(r.waiting))
	for _, pid := range r.waiting[:n] {
		ctx.Send(pid, &messages.LetGo{Quiet: r.quiet})
	}
	r.waiting = r.waiting[n:]
}

// greet tells a client that came during a drain what the others know.
func (c *connections) greet(ctx actor.Context, pid *actor.PID) {
	if c.rounds.order != nil {
		ctx.Send(pid, c.rounds.order)
		ctx.Send(pid, &messages.LetGo{Quiet: c.rounds.quiet})
	}
}

func (r *rounds) stop() {
	for _, cancel := range r.cancel {
		cancel()
	}
	r.cancel = nil
}
