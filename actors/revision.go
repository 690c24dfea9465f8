package actors

import (
	"fmt"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/cluster"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/listener"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/stats"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Revision takes a tree that stands to the next one. What is the same object in both is left alone. A listener of the
// same name that is another object is its next revision; one whose name is gone drains.
type Revision struct {
	Next *Tree
	// Sources are for clusters that stay and learn from others.
	Sources map[*cluster.Cluster]*messages.Source
	// Sockets are open already at the addresses of listeners that are new or move. The tree owns them from now on.
	Sockets map[*listener.Listener]transport.Listener
	// DrainTimeout bounds how long connections whose port is closed may stay.
	DrainTimeout time.Duration
}

// reviseTimeout bounds a revision; it opens and closes some sockets.
const reviseTimeout = 5 * time.Second

// Revise is [Proxy.Revise].
func (e *Env) Revise(top *actor.PID, r *Revision) error {
	if _, err := e.System.Root.RequestFuture(top, r, reviseTimeout).Result(); err != nil {
		return fmt.Errorf("BUG: the actors have not carried the reload out within %s: %w", reviseTimeout, err)
	}
	return nil
}

// revising is a revision under way in the top supervisor: listeners that are removed let go of ports
// first, then those that change move, then new ones open.
type revising struct {
	unadjusted int
	then       func(ctx actor.Context)
}

// sweep stops clusters that no listener needs.
type sweep struct{}

// sweepMargin is how long after the last connection could ask its cluster that one is stopped.
const sweepMargin = time.Second

// forget ends the metrics of a listener that was removed: else it would be full, or have an expired certificate, for ever. It
// comes when what its connections had to say is counted.
type forget struct{ listener string }

func (p *proxy) forget(ctx actor.Context, name string) {
	for _, l := range p.listeners {
		if l.Name == name { // it has come back
			return
		}
	}
	p.env.Rejections.Forget(name)
	ctx.Send(p.stats, &stats.Forget{Listener: name})
}

func (p *proxy) reload(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *Revision:
		p.link(m)
		p.env.tree.Store(m.Next)
		asker := ctx.Sender()
		p.reviseClusters(ctx, m)
		p.removeListeners(ctx, m, func(ctx actor.Context) {
			p.changeListeners(ctx, m, func(ctx actor.Context) {
				p.addListeners(ctx, m)
				ctx.Send(asker, &listener.Adjusted{})
			})
		})
		system.After(m.DrainTimeout+sweepMargin, system.NewSink(p.env.System, ctx.Self()), &sweep{})
	case *listener.Adjusted:
		p.unadjusted--
		p.goOn(ctx)
	case *actor.Terminated:
		if l := p.listeners[m.Who.Id]; l != nil && l.retiring {
			system.After(sweepMargin, system.NewSink(p.env.System, ctx.Self()), &forget{l.Name})
		}
		delete(p.listeners, m.Who.Id)
		p.drainedYet(ctx)
	case *forget:
		p.forget(ctx, m.listener)
	case *sweep:
		p.sweep(ctx)
	}
}

func (p *proxy) goOn(ctx actor.Context) {
	if then := p.then; p.unadjusted == 0 && then != nil {
		p.then = nil
		then(ctx)
	}
}

// link has the next revisions of listeners live where the present ones do, before any other actor can see them.
func (p *proxy) link(r *Revision) {
	for _, l := range p.listeners {
		if next := r.named(l.Name); next != nil && next != l.Listener && !l.retiring {
			next.Succeed(l.Listener)
		}
	}
}

func (p *proxy) reviseClusters(ctx actor.Context, r *Revision) {
	for _, d := range r.Next.Clusters {
		if p.clusters[d] == nil {
			p.startCluster(ctx, d)
		} else if m := r.Sources[d]; m != nil {
			ctx.Send(p.clusters[d], m)
		}
	}
}

func (p *proxy) removeListeners(ctx actor.Context, r *Revision, then func(actor.Context)) {
	p.unadjusted, p.then = 0, then
	for _, l := range p.listeners {
		if !l.retiring && r.named(l.Name) == nil {
			l.retiring = true
			ctx.Request(l.pid, &listener.Retire{Timeout: r.DrainTimeout})
			p.unadjusted++
		}
	}
	p.goOn(ctx)
}

func (p *proxy) changeListeners(ctx actor.Context, r *Revision, then func(actor.Context)) {
	p.unadjusted, p.then = 0, then
	for _, l := range p.listeners {
		if next := r.named(l.Name); !l.retiring && next != l.Listener {
			l.Listener = next
			ctx.Request(l.pid, &listener.Revise{Next: next, Socket: r.Sockets[next], Timeout: r.DrainTimeout})
			p.unadjusted++
		}
	}
	p.goOn(ctx)
}

func (p *proxy) addListeners(ctx actor.Context, r *Revision) {
	present := map[*listener.Listener]bool{}
	for _, l := range p.listeners {
		present[l.Listener] = true
	}
	for _, l := range r.Next.Listeners {
		if !present[l] {
			p.startListener(ctx, l, r.Sockets[l])
		}
	}
}

func (r *Revision) named(name string) *listener.Listener {
	for _, l := range r.Next.Listeners {
		if l.Name == name {
			return l
		}
	}
	return nil
}

func (p *proxy) sweep(ctx actor.Context) {
	for d, pid := range p.clusters {
		if !p.needed(d) && !slices.Contains(p.env.Tree().Clusters, d) {
			delete(p.clusters, d)
			ctx.Stop(pid)
		}
	}
}

// needed reports whether a listener, which may be draining, has a cluster.
func (p *proxy) needed(d *cluster.Cluster) bool {
	for _, l := range p.listeners {
		if l.Needs(d) {
			return true
		}
	}
	return false
}
