package cluster

import (
	"errors"
	"fmt"
	"net/url"
	"syscall"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// brokerActor is the prober of one broker: it finds out whether the broker takes connections, for all clients of all
// listeners. A broker that is away costs one dial now and then, not one for each request.
//
//	at rest ──dialFailed──▶ probing ──connected──▶ at rest; it is back if it was away
//	                        ▲     └──failed──▶ it is lost, once; a pause
//	                        └───────────────────────────────┘
//
// It connects as clients' upstreams do, with a PROXY header and TLS where the cluster has them: a broker whose TLS is
// broken is of no more use than one that is away. Only failures to connect count. A broker that does not answer
// requests is reachable: its clients decide how long they wait.
type brokerActor struct {
	*Broker
	env       *env.Env
	self      system.Sink
	sock      transport.Conn // of the probe under way
	failed    int            // probes in a row
	awaySince int64          // since when it is away, on the process clock
	dialError error          // why a client could not connect, while that is looked into
	logged    string         // the kind of error that was logged last
	warned    system.Sampler // of such an error, of one of this machine, or of another kind than the last one
	cancel    func()         // of the next probe's timer
}

// Messages of a broker's actor: a client's connection to the broker could not be opened; the pause is over; name servers do
// not list it any longer; it has another address.
type (
	dialFailed struct {
		err     error
		refused bool // nobody listens there: no second look is needed
	}
	probeDue  struct{}
	lookNow   struct{}
	movedAway struct{}
)

// brokerChanged tells a cluster that a broker of it was lost or is back.
type brokerChanged struct{ broker *Broker }

const (
	firstProbe = 100 * time.Millisecond
	// longestProbe bounds how much later than directly connected clients ours find a broker that is back.
	longestProbe = time.Second
)

// watch starts the actor of a broker.
func (c *clusterActor) watch(ctx actor.Context, b *Broker) {
	props := c.env.Props(func() actor.Actor { return &brokerActor{Broker: b, env: c.env} }, nil, nil)
	name := "broker/" + url.PathEscape(fmt.Sprintf("%s:%d", b.ID.Name, b.ID.ID)) // names may have slashes
	pid, err := ctx.SpawnNamed(props, name)
	if errors.Is(err, actor.ErrNameExists) { // that of a broker which was forgotten a moment ago is still on its way out
		pid, err = ctx.SpawnPrefix(props, name), nil
	}
	if err != nil {
		panic(fmt.Sprintf("cannot start the actor of broker %s: %v", b.ID, err))
	}
	sink := system.NewSink(c.env.System, pid)
	b.actor.Store(&sink)
}

// Receive is part of actor.Actor.
func (p *brokerActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		p.self = system.NewSink(p.env.System, ctx.Self())
		if !p.Reachable() { // we are restarted
			p.awaySince = p.env.Now()
			p.probe()
		}
	case *dialFailed:
		p.suspect(ctx, m)
	case *probeDue:
		p.cancel = nil
		p.probe()
	case *lookNow:
		if p.sock == nil && p.cancel == nil {
			p.probe()
		}
	case *pauseChanged:
		ctx.Send(ctx.Parent(), m)
	case *movedAway:
		p.probeNewAddress()
	case *transport.Connected:
		if m.Conn == p.sock {
			p.endProbe()
			p.reachable(ctx)
		}
	case *transport.Closed:
		if m.Conn == p.sock {
			p.endProbe()
			p.Failures.Add(1)
			p.unreachable(ctx, m.Err)
		}
	case *actor.Stopping, *actor.Restarting:
		p.env.CleanUp(p.endProbe)
	}
}

// suspect acts on what a client has met. A refusal is certain; anything else, as a dial that took too long, is looked
// into first.
func (p *brokerActor) suspect(ctx actor.Context, m *dialFailed) {
	if p.sock != nil || p.cancel != nil || !p.Reachable() {
		return
	}
	if m.refused {
		p.unreachable(ctx, m.err)
		return
	}
	p.dialError = m.err
	p.probe()
}

func (p *brokerActor) probe() {
	p.Dials.Add(1)
	p.sock = p.dialer.Dial(p.Address(), transport.Downstream{}, p.self)
}

// probeNewAddress probes the new address at once if the old one was in doubt.
func (p *brokerActor) probeNewAddress() {
	if p.sock != nil || p.cancel != nil || !p.Reachable() {
		p.endProbe()
		p.failed = 0
		p.probe()
	}
}

// endProbe ends a probe.
func (p *brokerActor) endProbe() {
	if p.cancel != nil {
		p.cancel()
		p.cancel = nil
	}
	if p.sock != nil {
		p.sock.Close()
		p.sock = nil
	}
}

// unreachable takes a failed dial: the broker is away from now on, unless the fault is on this machine.
func (p *brokerActor) unreachable(ctx actor.Context, err error) {
	p.probeLater()
	if isLocal(err) {
		if line, ok := p.warned.Allow(p.env.Now(), p.facts("error", err)...); ok {
			p.env.Log.Warn("cannot probe broker", line...)
		}
		return
	}
	if p.away.Swap(true) {
		p.logOtherError(err)
		return
	}
	p.awaySince, p.logged = p.env.Now(), kindOf(err)
	p.env.Log.Warn("broker unreachable", p.facts("error", err)...)
	p.publish(messages.BrokerUnreachable, err.Error())
	ctx.Send(ctx.Parent(), &brokerChanged{p.Broker})
}

// reachable takes a probe that has connected.
func (p *brokerActor) reachable(ctx actor.Context) {
	p.failed = 0
	if !p.away.Swap(false) {
		p.logDialError()
		return
	}
	p.dialError = nil
	down := time.Duration(p.env.Now() - p.awaySince)
	p.env.Log.Info("broker recovered", p.facts("down_seconds", down.Round(time.Millisecond).Seconds())...)
	p.publish(messages.BrokerRecovered, "")
	ctx.Send(ctx.Parent(), &brokerChanged{p.Broker})
}

// facts are the keys of its lines in the log.
func (p *brokerActor) facts(more ...any) []any {
	return append([]any{"cluster", p.Cluster, "broker", p.ID.String(), "address", p.Address()}, more...)
}

func (p *brokerActor) publish(kind messages.EventKind, reason string) {
	e := messages.Event{Kind: kind, Cluster: p.Cluster, Broker: p.ID.String(), Address: p.Address(), Reason: reason}
	e.Publish(p.env.System)
}

// logDialError says why clients cannot connect to a broker that is there, as when each connection takes it long: nothing
// else would.
func (p *brokerActor) logDialError() {
	why := p.dialError
	p.dialError = nil
	if why == nil {
		return
	}
	if line, ok := p.warned.Allow(p.env.Now(), p.facts("error", why)...); ok {
		p.env.Log.Warn("cannot connect client to reachable broker", line...)
	}
}

// logOtherError says why a broker is still away when it is not what was logged: one that was restarted with a bad
// certificate first refuses.
func (p *brokerActor) logOtherError(err error) {
	kind := kindOf(err)
	if kind == p.logged {
		return
	}
	if line, ok := p.warned.Allow(p.env.Now(), p.facts("error", err)...); ok {
		p.logged = kind
		p.env.Log.Warn("broker still unreachable", line...)
	}
}

// probeLater probes again after a pause: the proxies of a fleet have lost the broker together.
func (p *brokerActor) probeLater() {
	p.cancel = system.After(system.Pause(firstProbe, longestProbe, p.failed), p.self, &probeDue{})
	p.failed++
}

// isLocal reports that a dial failed for want of something on this machine, which says nothing about the broker.
func isLocal(err error) bool {
	for _, e := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// kindOf tells errors apart without what differs each time, as ports and times in their texts.
func kindOf(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	for next := err; next != nil; next = errors.Unwrap(next) {
		err = next
	}
	return fmt.Sprintf("%T", err)
}
