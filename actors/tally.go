package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// tally passes on what the connections of one executor have written into its book, a few times a second: a message to
// another thread for each request would cost more than the request. It runs where its connections run.
//
// It passes nothing on when it stops: what is left in the book is its successor's, and when everything begins anew the
// stats actor may have stopped before.
type tally struct {
	env   *Env
	book  *book
	stats *actor.PID
}

// tallyInterval is how old a number in /stats may be.
const tallyInterval = 50 * time.Millisecond

// passOn tells a tally that its interval is over.
type passOn struct{}

// Receive is part of actor.Actor.
func (t *tally) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		t.book.open(newSink(t.env.System, ctx.Self()))
	case *passOn:
		t.pass(ctx)
	case *messages.Fault:
		panic(m.Reason)
	}
}

func (t *tally) pass(ctx actor.Context) {
	for _, sum := range t.book.take() {
		ctx.Send(t.stats, sum)
	}
}
