package actors

import (
	"errors"
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// Tree is everything that a proxy consists of, and what of it outlives the actors.
type Tree struct {
	Statistics  *Statistics
	Directories []*Directory
	Listeners   []*Listener
}

// Root is the id of the top supervisor; all others begin with it.
const Root = "proxy"

// proxy is the top supervisor. The order of its children is the order of need: who counts, who knows, who opens doors.
// A pillar that fails again and again ends the process: outside, somebody restarts it with a clean state.
type proxy struct {
	env  *Env
	tree *Tree
}

// Start spawns the tree and returns its top.
func (e *Env) Start(tree *Tree) (*actor.PID, error) {
	props := e.props(func() actor.Actor { return &proxy{e, tree} }, nil, e.giveUp)
	props.Configure(actor.WithGuardian(&supervisor{failures: e.Failures, exceeded: e.giveUp}))
	return e.System.Root.SpawnNamed(props, Root)
}

// giveUp ends the process. The actor that cannot be kept alive is stopped: suspended, it would never end in Stop.
func (e *Env) giveUp(sup actor.Supervisor, pillar *actor.PID, why error) {
	e.GiveUp(why)
	sup.StopChildren(pillar)
}

// Stop stops the tree from the doors inwards, so that what connections have to say on their way out is still counted,
// and returns when all of it is gone.
func (e *Env) Stop(top *actor.PID) error {
	var errs []error
	for _, kind := range []string{"listener", "tally", "stats"} {
		var ends []actor.Future
		for _, id := range e.Actors(Root + "/" + kind) {
			if Kind(id) == kind {
				ends = append(ends, e.System.Root.PoisonFuture(e.System.NewLocalPID(id)))
			}
		}
		for _, end := range ends {
			errs = append(errs, end.Wait())
		}
	}
	errs = append(errs, e.System.Root.StopFuture(top).Wait())
	e.System.Shutdown()
	e.workers.Stop()
	return errors.Join(errs...)
}

// Receive is part of actor.Actor.
func (p *proxy) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		p.start(ctx)
	case *messages.Drain, *messages.Report:
		for _, child := range ctx.Children() {
			if Kind(child.Id) == "listener" {
				ctx.Send(child, m)
			}
		}
	case *messages.Fault:
		panic(m.Reason)
	}
}

func (p *proxy) start(ctx actor.Context) {
	s := p.spawn(ctx, "stats", p.env.props(func() actor.Actor { return &stats{env: p.env, out: p.tree.Statistics} }, nil, nil))
	for i, x := range p.env.executors() {
		props := p.env.props(func() actor.Actor { return &tally{env: p.env, book: p.env.books[x], stats: s} }, onExecutor{x}, nil)
		p.spawn(ctx, fmt.Sprintf("tally/%d", i), props)
	}
	directories := map[*Directory]*actor.PID{}
	for _, d := range p.tree.Directories {
		directories[d] = p.spawn(ctx, "directory/"+d.Cluster, p.env.props(func() actor.Actor { return &directory{Directory: d, env: p.env} }, nil, nil))
	}
	for _, l := range p.tree.Listeners {
		props := p.env.props(func() actor.Actor { return &listener{Listener: l, env: p.env, directory: directories[l.Directory]} }, nil, nil)
		p.spawn(ctx, "listener/"+l.Name, props)
	}
}

func (p *proxy) spawn(ctx actor.Context, name string, props *actor.Props) *actor.PID {
	pid, err := ctx.SpawnNamed(props, name)
	if err != nil {
		p.env.GiveUp(fmt.Errorf("cannot start actor %s: %w", name, err))
	}
	return pid
}
