package grpc

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate"
)

// exchange asks the master of a broker for something.
type exchange struct {
	question
	broker   string
	command  *codec.Command
	poll     bool   // the broker may hold it: it goes over a link of its own kind
	began    int64  // when its client's call did, on the process clock; 0: the proxy asks on its own
	producer string // a topic whose half messages the broker may ask back about; "": none
	// prepare makes the command for a broker of a version, or refuses it; nil: it is the same for all.
	prepare func(version int32) error

	sent   int64          // when the link took it, on the process clock
	answer *codec.Command // nil: err says why there is none
	err    error
	// unwritten is that nothing of it can have reached the broker, so that it may go to another one.
	unwritten bool
	port      *messages.Port // that it counts for as a request; nil: for none
}

// Discard is for a message whose receiver is gone.
func (x *exchange) Discard() { x.fail(translate.Lost(x.broker, "its link ended"), true) }

// fail sends an exchange back without an answer, which a link counts if it has counted the request.
func (x *exchange) fail(err error, unwritten bool) {
	x.err, x.unwritten = err, unwritten
	x.from.Deliver(x)
}

// links has a link for each broker and kind, made when it is first needed.
type links struct {
	*shared
	all  map[linkKey]*linkTo
	next int // executor
}

type linkKey struct {
	broker string
	poll   bool
}

type linkTo struct {
	system.Sink
	to messages.Destination
}

// Receive is part of actor.Actor.
func (l *links) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		l.all = map[linkKey]*linkTo{}
	case *exchange:
		l.pass(ctx, m)
	case *actor.Terminated:
		for k, to := range l.all {
			if to.PID.Equal(m.Who) {
				delete(l.all, k)
			}
		}
	}
}

func (l *links) pass(ctx actor.Context, x *exchange) {
	to, ok := l.Broker(x.broker)
	if !ok {
		l.requested(l.counter(), l.port(""), x)
		l.abandoned(l.counter(), x)
		x.fail(translate.UnknownBroker(x.broker), true)
		return
	}
	k := linkKey{x.broker, x.poll}
	found := l.all[k]
	if found != nil && found.to != to { // the broker was forgotten, and is known again
		ctx.Stop(found.PID)
		found = nil
	}
	if found == nil {
		found = &linkTo{l.spawn(ctx, x.broker, to), to}
		l.all[k] = found
	}
	found.Deliver(x)
}

func (l *links) spawn(ctx actor.Context, broker string, to messages.Destination) system.Sink {
	all := l.Env.Transport.Executors()
	x := all[l.next%len(all)]
	l.next++
	props := l.Env.Props(func() actor.Actor { return &link{shared: l.shared, broker: broker, to: to, x: x} }, system.OnExecutor{Executor: x}, nil)
	return system.NewSink(l.Env.System, ctx.SpawnPrefix(props, "link"))
}
