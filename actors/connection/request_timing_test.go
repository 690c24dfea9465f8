package connection

import (
	"log/slog"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// lessor does with a request actor what a connection does, for each tick.
type lessor struct {
	env     *env.Env
	one     *messages.Exchange
	settled int
}

func (l *lessor) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started:
		l.one = messages.NewExchange()
		l.one.Actor = ctx.SpawnPrefix(requestProps(l.env), "request")
		l.one.Process, _ = l.env.System.ProcessRegistry.Get(l.one.Actor)
	case *messages.Tick:
		x := l.one
		x.Header = codec.Header{Code: codec.ReqSendMessageV2}
		start(x)
		x.Answered.Code = codec.ResSuccess
		x.Progress.Await()
		x.Process.SendUserMessage(x.Actor, &x.Answered)
		if x.Progress.Done() {
			l.settled++
			x.Reset()
		}
	}
}

// What the actor of a request costs that the upstream answers.
func BenchmarkRequestLease(b *testing.B) {
	e := env.New(&transport.Net{}, slog.New(slog.DiscardHandler), env.Settings{}, func(why error) { b.Error(why) })
	l := &lessor{env: e}
	turn := system.NewSink(e.System, e.System.Root.Spawn(e.Props(func() actor.Actor { return l }, system.Inline, nil)))
	tick := &messages.Tick{}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		turn.Deliver(tick)
		n++
	}
	if l.settled != n {
		b.Fatalf("%d of %d requests were settled", l.settled, n)
	}
}
