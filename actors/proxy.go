package actors

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/cluster"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/listener"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/stats"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// proxy is the top supervisor. The order of its children is the order of need: statistics, clusters, listeners.
// One that all others depend on and that fails again and again ends the process: its supervisor outside restarts it with a
// clean state.
type proxy struct {
	env       *Env
	clusters  map[*cluster.Cluster]*actor.PID
	listeners map[string]*listening // by the actor's id
	stats     *actor.PID
	drained   *actor.PID // is answered when no listener has a connection left; nil: not draining
	revising
}

// listening is a listener's actor with its present revision.
type listening struct {
	*listener.Listener
	pid      *actor.PID
	retiring bool
	emptied  bool // it has no connection left
}

// Env is what outlives the top supervisor: what all actors share, and the present tree.
type Env struct {
	*env.Env
	tree atomic.Pointer[Tree]
}

// NewEnv makes the actor system of one proxy.
func NewEnv(t transport.Transport, log *slog.Logger, settings env.Settings, giveUp func(error)) *Env {
	return &Env{Env: env.New(t, log, settings, giveUp)}
}

// Tree is the present tree.
func (e *Env) Tree() *Tree { return e.tree.Load() }

// Listen opens a port of l with its handshake. The caller owns the listener.
func (e *Env) Listen(l *listener.Listener, address string) (transport.Listener, error) {
	return listener.Open(e.Env, l, address)
}

// Start spawns the tree and returns its top.
func (e *Env) Start(tree *Tree) (*actor.PID, error) {
	e.tree.Store(tree)
	e.Rejections.Set = tree.Stats.Set
	props := e.Props(func() actor.Actor { return &proxy{env: e} }, nil, e.repair)
	props.Configure(actor.WithGuardian(e.Supervisor(e.repair)))
	return e.System.Root.SpawnNamed(props, system.Root)
}

// repair is what is done about the top, and by the top about a child, that fails too often. A listener is one of several
// and opens again after a pause (listener.begin). Nothing works without the others, so the process ends; the actor is
// stopped, as it would never end in Stop while it is suspended.
func (e *Env) repair(sup actor.Supervisor, child *actor.PID, why error) {
	if system.Kind(child.Id) == "listener" {
		sup.RestartChildren(child)
		return
	}
	e.GiveUp(why)
	sup.StopChildren(child)
}

// Stop stops the tree from the listeners inwards, so that what connections report on their way out is still counted,
// and returns when all of it is gone.
func (e *Env) Stop(top *actor.PID) error {
	var errs []error
	for _, kind := range []string{"listener", "stats"} {
		var ends []actor.Future
		for _, id := range e.Actors(system.Root + "/" + kind) {
			if system.Kind(id) == kind {
				ends = append(ends, e.System.Root.PoisonFuture(e.System.NewLocalPID(id)))
			}
		}
		for _, end := range ends {
			errs = append(errs, end.Wait())
		}
	}
	errs = append(errs, e.System.Root.StopFuture(top).Wait())
	e.Shutdown()
	return errors.Join(errs...)
}

// Receive is part of actor.Actor.
func (p *proxy) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		p.start(ctx)
	case *messages.StopAccepting:
		p.allListeners(ctx, m)
	case *messages.Drain:
		p.drained = ctx.Sender()
		p.allListeners(ctx, m)
		p.drainedYet(ctx)
	case *messages.Emptied:
		if l := p.listeners[ctx.Sender().GetId()]; l != nil {
			l.emptied = true
		}
		p.drainedYet(ctx)
	case *messages.Offer:
		p.forward(ctx, m.State.Listener)
	case *messages.Adopt:
		p.forward(ctx, m.State.Listener)
	case *messages.ShareListeners:
		p.forward(ctx, m.Listener)
	case *messages.ListConnections:
		ctx.Send(m.To, &messages.ConnectionList{Supervisors: len(p.listeners)})
		p.allListeners(ctx, m)
	case *messages.Report:
		ctx.Send(m.To, &messages.Counted{Supervisors: len(p.listeners)})
		p.allListeners(ctx, m)
	case *messages.Reloaded:
		for _, pid := range p.clusters {
			ctx.Send(pid, m)
		}
	default:
		p.reload(ctx)
	}
}

func (p *proxy) allListeners(ctx actor.Context, m any) {
	for _, l := range p.listeners {
		ctx.Send(l.pid, m)
	}
}

// forward passes a question on to the listener of a name. Of one that was removed and added again it is the actor that
// has the sockets, whatever its id.
func (p *proxy) forward(ctx actor.Context, listener string) {
	for _, l := range p.listeners {
		if l.Name == listener && !l.retiring {
			ctx.Forward(l.pid)
			return
		}
	}
	ctx.Respond(&messages.Rejected{Reason: fmt.Sprintf("there is no listener %q", listener)})
}

// drainedYet answers Drain when all listeners are without connections.
func (p *proxy) drainedYet(ctx actor.Context) {
	for _, l := range p.listeners {
		if !l.emptied {
			return
		}
	}
	if p.drained != nil {
		ctx.Send(p.drained, &messages.Emptied{})
		p.drained = nil
	}
}

func (p *proxy) start(ctx actor.Context) {
	tree := p.env.Tree()
	p.stats = p.spawn(ctx, "stats", p.env.Props(func() actor.Actor { return stats.New(p.env.Runtime, p.env.Recorders, tree.Stats) }, nil, nil))
	p.clusters, p.listeners = map[*cluster.Cluster]*actor.PID{}, map[string]*listening{}
	for _, d := range tree.Clusters {
		p.startCluster(ctx, d)
	}
	for _, l := range tree.Listeners {
		p.startListener(ctx, l, nil)
	}
}

func (p *proxy) startCluster(ctx actor.Context, d *cluster.Cluster) {
	props := p.env.Props(func() actor.Actor { return cluster.NewActor(p.env.Env, d) }, nil, nil)
	p.clusters[d] = p.spawn(ctx, "cluster/"+d.Name, props)
	d.Run(p.clusters[d])
}

// startListener starts a listener. socket is open at its address already; nil: it opens one itself.
func (p *proxy) startListener(ctx actor.Context, l *listener.Listener, socket transport.Listener) {
	l.Prepare(socket)
	props := p.env.Props(func() actor.Actor { // again after a crash, when reloads may have changed everything
		return listener.New(p.env.Env, l)
	}, nil, nil)
	pid := p.spawn(ctx, "listener/"+l.Name, props)
	p.listeners[pid.Id] = &listening{Listener: l, pid: pid}
}

// spawn starts a child. Its name may belong to one that a reload has removed and that is still draining.
func (p *proxy) spawn(ctx actor.Context, name string, props *actor.Props) *actor.PID {
	pid, err := ctx.SpawnNamed(props, name)
	for n := 2; errors.Is(err, actor.ErrNameExists); n++ {
		pid, err = ctx.SpawnNamed(props, fmt.Sprintf("%s#%d", name, n))
	}
	if err != nil {
		p.env.GiveUp(fmt.Errorf("cannot start actor %s: %w", name, err))
	}
	return pid
}
