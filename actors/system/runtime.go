// Package system is protoactor as the proxy uses it: a [Runtime] with mailboxes of its own that cost little and give back
// what will not be read, dispatchers that run actors where the events of their sockets run, timers, and supervision with
// limits. It knows nothing of RocketMQ.
package system

import (
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// Runtime is protoactor as this proxy uses it: one actor system with our mailboxes, dispatchers and supervision.
type Runtime struct {
	System   *actor.ActorSystem
	Log      *slog.Logger
	Failures *Failures
	// GiveUp is called when an actor that everything depends on cannot be kept alive or opened: the process must end.
	GiveUp func(why error)

	workers    *workers
	started    time.Time
	middleware []actor.ReceiverMiddleware // of all actors; none in service
}

// NewRuntime makes the actor system of one proxy.
func NewRuntime(log *slog.Logger, giveUp func(why error)) *Runtime {
	r := &Runtime{
		Log: log, GiveUp: giveUp, Failures: &Failures{}, workers: &workers{},
		started: time.Now().Add(-1),
	} // a time of 0 stands for never
	r.System = actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
		actor.WithDeadLetterRequestLogging(false))
	shrinkRegistry(r.System)
	discardDeadLetters(r.System)
	return r
}

// Now is the process clock: nanoseconds since the runtime was made, never 0.
func (r *Runtime) Now() int64 { return int64(time.Since(r.started)) }

// Props makes the recipe of an actor: our mailbox, our dispatchers, our supervision. A nil dispatcher is the workers.
// exceeded is what a supervisor does when a child fails too often; nil: it fails itself.
func (r *Runtime) Props(produce func() actor.Actor, d actor.Dispatcher, exceeded func(actor.Supervisor, *actor.PID, error)) *actor.Props {
	if d == nil {
		d = r.workers
	}
	props := actor.PropsFromProducer(produce,
		actor.WithMailbox(mailboxProducer(d, r.panicked)),
		actor.WithDispatcher(d),
		actor.WithSupervisor(r.Supervisor(exceeded)))
	if len(r.middleware) > 0 {
		props.Configure(actor.WithReceiverMiddleware(r.middleware...))
	}
	return props
}

// Supervisor is the strategy of a supervisor. exceeded is as in Props.
func (r *Runtime) Supervisor(exceeded func(actor.Supervisor, *actor.PID, error)) actor.SupervisorStrategy {
	if exceeded == nil {
		exceeded = escalate
	}
	return &supervisor{failures: r.Failures, exceeded: exceeded}
}

// panicked logs a panic with its stack; its supervisor decides and counts.
func (r *Runtime) panicked(reason any, stack []byte) {
	r.Log.Error("BUG: actor panicked", "reason", reason, "stack", string(stack))
}

// CleanUp runs f, which belongs to Stopping or Restarting, so that it cannot fail.
func (r *Runtime) CleanUp(f func()) {
	guarded(func(reason any) { r.Log.Error("BUG: actor panicked while stopping", "reason", reason) }, f)
}

// Shutdown ends what runs the actors. They are stopped before.
func (r *Runtime) Shutdown() {
	r.System.Shutdown()
	r.workers.Stop()
}
