package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// tally tells the stats actor, a few times a second, that the connections of one executor have written into its book: a
// message to another thread for each request would cost more than the request. It runs where its connections run.
//
// A crash loses nothing: its successor finds what is left in the book.
type tally struct {
	env   *Env
	book  *book
	stats *actor.PID
}

// tallyInterval is how old a number in /stats may be.
const tallyInterval = 50 * time.Millisecond

// passOn tells a tally that its interval is over. written tells the stats actor that a book has sums to be taken.
type (
	passOn  struct{}
	written struct{ in *book }
)

// Receive is part of actor.Actor.
func (t *tally) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		t.book.open(newSink(t.env.System, ctx.Self()))
	case *passOn:
		ctx.Send(t.stats, &written{t.book})
	case *messages.Fault:
		panic(m.Reason)
	}
}
