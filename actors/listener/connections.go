package listener

import (
	"maps"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/connection"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/stats"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// connections is the supervisor of a listener's client connections. It does nothing that could fail.
type connections struct {
	env      *env.Env
	name     string // of the listener
	listener *actor.PID
	props    map[transport.Executor]*actor.Props
	cancel   func()
	permits  permits
	rounds   rounds
	departed map[*messages.Port]bool
}

// neighbors gives connections the actor that they talk to.
type neighbors struct{ listener *actor.PID }

// Receive is part of actor.Actor.
func (c *connections) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		c.permits = newPermits(c.env.Settings)
		c.props, c.departed = map[transport.Executor]*actor.Props{}, map[*messages.Port]bool{}
		c.cancel = system.Every(connection.TickInterval, system.NewSink(c.env.System, ctx.Self()), &messages.Tick{})
	case *neighbors:
		c.listener = m.listener
		clear(c.props)
	case *messages.Accepted:
		if c.departed[m.Port] {
			m.Conn.Close()
			return
		}
		if m.Port.To.Away() { // it came just before the port was closed
			transport.Reset(m.Conn)
			return
		}
		c.admit(ctx, m)
	case *messages.Adopt:
		c.adopt(ctx, m)
	case *actor.Terminated:
		c.permits.give(m.Who.Id)
		c.pauseWhenFull(ctx)
		c.tellEmpty(ctx)
	case *messages.Tick:
		now := c.env.Now()
		c.env.Rejections.Late(c.name, now)
		c.pauseWhenFull(ctx)
		c.all(ctx, &messages.Tick{Now: now})
	case *messages.Drain:
		c.drain(ctx, m)
		c.tellEmpty(ctx)
	case *nextBatch:
		c.letNextGo(ctx)
	case *lastRound:
		c.round(ctx, 0, c.rounds.order.Over/10)
	case *messages.Depart:
		maps.Copy(c.departed, m.Ports)
		c.all(ctx, m)
	case *messages.BrokerLost, *messages.BrokerBack, *messages.BrokerMoved, *messages.BrokerPaused:
		c.all(ctx, m)
	case *messages.ListConnections:
		ctx.Send(m.To, &messages.ConnectionList{Connections: slices.Clone(ctx.Children())})
	case *messages.Report:
		ctx.Send(m.To, &messages.Counted{N: len(ctx.Children())})
		c.all(ctx, m)
	case *actor.Stopping, *actor.Restarting:
		c.env.CleanUp(func() { c.cancel(); c.rounds.stop() })
	}
}

// emptied tells a listener that a drain of its connections is over.
type emptied struct{}

func (c *connections) tellEmpty(ctx actor.Context) {
	if c.rounds.order != nil && len(ctx.Children()) == 0 {
		ctx.Send(c.listener, &emptied{})
	}
}

// admit spawns a connection's actor if there is a permit.
func (c *connections) admit(ctx actor.Context, m *messages.Accepted) {
	remote := m.Conn.Remote() // before its actor can close it
	if limit := c.permits.exceeded(len(ctx.Children()), remote.Addr()); limit != "" {
		m.Conn.Close()
		c.env.Rejections.Add(c.name, limit, remote, c.env.Now())
		return
	}
	pid := ctx.SpawnPrefix(c.recipe(m.Conn.Executor()), "connection")
	c.permits.take(pid.Id, remote.Addr())
	ctx.Send(pid, m)
	c.includeInDrain(ctx, pid)
	if c.pauseWhenFull(ctx) {
		c.env.Rejections.Add(c.name, stats.OverListener, remote, c.env.Now())
	}
}

// adopt spawns the actor of a connection that another process has accepted: it is served already, so no limit rejects
// it, but it takes a permit like the others.
func (c *connections) adopt(ctx actor.Context, m *messages.Adopt) {
	remote := m.Conn.Remote()
	pid := ctx.SpawnPrefix(c.recipe(m.Conn.Executor()), "connection")
	c.permits.take(pid.Id, remote.Addr())
	ctx.Send(pid, m)
	c.pauseWhenFull(ctx)
}

// pauseWhenFull has the listener pause its ports when the last permit is taken, and resume them when there is room. It
// reports whether they were paused.
func (c *connections) pauseWhenFull(ctx actor.Context) (paused bool) {
	if !c.permits.update(len(ctx.Children())) {
		return false
	}
	ctx.Send(c.listener, &messages.PausePorts{On: c.permits.full})
	return c.permits.full
}

// recipe is that of connection actors on one executor.
func (c *connections) recipe(x transport.Executor) *actor.Props {
	p := c.props[x]
	if p == nil {
		p = connection.Props(c.env, c.listener, x)
		c.props[x] = p
	}
	return p
}

// all sends m to each connection.
func (c *connections) all(ctx actor.Context, m any) {
	for _, child := range ctx.Children() {
		ctx.Send(child, m)
	}
}
