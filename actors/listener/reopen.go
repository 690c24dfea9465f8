package listener

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// backoff is when a listener that keeps failing opens again. It outlives its actor, which alone touches it.
type backoff struct {
	failures int
	openAt   int64 // on the process clock
}

const (
	// The first pause is as long as a client's own retry; a minute is what an operator notices and can wait for.
	firstReopen   = time.Second
	longestReopen = time.Minute
)

// failed makes the next pause longer, or short again when the listener has been open for a good while.
func (b *backoff) failed(now int64) {
	if now-b.openAt > int64(2*longestReopen) {
		b.failures = 0
	}
	b.openAt = now + int64(min(firstReopen<<min(b.failures, 10), longestReopen))
	b.failures++
}

// reopen tells a listener that its pause is over.
type reopen struct{}

// begin opens the listener, or waits until it may: its sockets are closed meanwhile, so connections are refused at once
// and clients try another proxy.
func (l *listener) begin(ctx actor.Context) {
	l.env.Rejections.Begin(l.Name)
	l.prepared, l.live().socket = l.live().socket, nil
	if l.live().shut.Load() { // the instance before was being removed
		ctx.Stop(ctx.Self())
		return
	}
	if wait := time.Duration(l.live().backoff.openAt - l.env.Now()); wait > 0 {
		l.env.Log.Error("listener keeps failing, closed for a while",
			"listener", l.Name, "reopens_after_seconds", wait.Round(time.Millisecond).Seconds(), "count", l.live().backoff.failures)
		l.cancel = system.After(wait, system.NewSink(l.env.System, ctx.Self()), &reopen{})
		return
	}
	l.start(ctx)
}

// reopen goes on after a pause.
func (l *listener) reopen(ctx actor.Context) {
	if l.connections == nil {
		l.start(ctx)
	} else {
		l.openAll(ctx)
	}
}

// openLater is for a listener that was open before: the process goes on, as its other listeners may be fine.
func (l *listener) openLater(ctx actor.Context, why error) {
	l.live().backoff.failed(l.env.Now())
	wait := time.Duration(l.live().backoff.openAt - l.env.Now())
	l.env.Log.Error("cannot reopen listener, trying again", "listener", l.Name, "address", l.address(),
		"again_after_seconds", wait.Round(time.Millisecond).Seconds(), "error", why)
	l.cancel = system.After(wait, system.NewSink(l.env.System, ctx.Self()), &reopen{})
}

// crashed is for Restarting: the next instance waits.
func (l *listener) crashed(ctx actor.Context) {
	l.leave(ctx)
	l.live().backoff.failed(l.env.Now())
}

// sockets are all that are open.
func (l *listener) sockets() (all []transport.Listener) {
	if l.prepared != nil {
		all = append(all, l.prepared)
	}
	if l.nameServer != nil {
		all = append(all, l.nameServer)
	}
	if l.vip != nil {
		all = append(all, l.vip)
	}
	for _, p := range l.brokers {
		all = append(all, p.sockets()...)
	}
	return all
}

// closed publishes that clients can no longer connect.
func (l *listener) closed() {
	if l.live().opened.Swap(false) {
		l.publishEvent(messages.ListenerClosed, l.live().bound.Load().String())
	}
}

// publishEvent publishes an event about the listener.
func (l *listener) publishEvent(kind messages.EventKind, address string) {
	e := messages.Event{Kind: kind, Cluster: l.Cluster.Name, Listener: l.Name, Address: address}
	e.Publish(l.env.System)
}

// close closes the open sockets: no connection is accepted after that.
func (l *listener) close() {
	l.closed()
	if l.cancel != nil {
		l.cancel()
	}
	for _, ln := range l.sockets() {
		ln.Close()
	}
}
