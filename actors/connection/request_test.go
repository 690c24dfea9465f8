package connection

import (
	"log/slog"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// landlord is the parent of one request actor, which is leased to one request after another. All of it runs at once.
type landlord struct {
	env     *env.Env
	x       *messages.Exchange
	settled int // by a message
}

func (l *landlord) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started:
		l.x = messages.NewExchange()
		l.x.Actor = ctx.SpawnPrefix(requestProps(l.env), "request")
		l.x.Process, _ = l.env.System.ProcessRegistry.Get(l.x.Actor)
	case *messages.Settled:
		l.settled++
	}
}

func (l *landlord) begin(opaque int32) {
	l.x.Header = codec.Header{Code: codec.ReqSendMessageV2, Opaque: opaque}
	start(l.x)
}

// answered reports whether the request was settled without a message.
func (l *landlord) answered() bool {
	l.x.Progress.Await()
	l.x.Process.SendUserMessage(l.x.Actor, &l.x.Answered)
	return l.x.Progress.Done()
}

// A request actor knows its exchange from one request to the next, and is asked for it once. One that fails between two
// requests owes nothing and is told again; one that fails in a request that nobody told it about answers that one.
func TestARequestActorMayFailAtAnyTime(t *testing.T) {
	e := env.New(&transport.Net{}, slog.New(slog.DiscardHandler), env.Settings{}, func(why error) { t.Error(why) })
	e.InjectFaults()
	l := &landlord{env: e}
	e.System.Root.Spawn(e.Props(func() actor.Actor { return l }, system.Inline, nil))
	kill := func() { e.Fault(l.x.Actor.Id, "killed by a test") }

	for opaque := range int32(3) {
		l.begin(opaque)
		require.True(t, l.answered())
	}
	kill()
	require.Nil(t, l.x.Answer, "nothing was in flight")
	require.Zero(t, l.settled)
	for opaque := range int32(3) {
		l.begin(opaque)
		require.True(t, l.answered(), "it works on")
	}

	l.begin(42)
	kill()
	require.Equal(t, 1, l.settled)
	answer, _, err := codec.Decode(l.x.Answer, codec.Limits{})
	require.NoError(t, err)
	require.Equal(t, int32(codec.ResSystemError), answer.Code)
	require.Equal(t, int32(42), answer.Opaque)
	require.False(t, l.answered(), "the upstream's answer comes too late: it is settled by the message")
	require.Equal(t, 1, l.settled)

	actorOf, process := l.x.Actor, l.x.Process // as the connection does, which gives what is in the exchange to the client
	l.x = messages.NewExchange()
	l.x.Actor, l.x.Process = actorOf, process
	l.begin(43)
	require.True(t, l.answered())
	require.Nil(t, l.x.Answer)
}
