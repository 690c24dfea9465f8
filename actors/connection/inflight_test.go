package connection

import (
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// What a burst of requests took is given up with the second tick after it, but for what the client still uses.
func TestRequestActorsOfABurstAreGivenUp(t *testing.T) {
	fl := inflight{begun: enoughToKeep, leases: &leases{}}
	lend := func(n int) (out []*messages.Exchange) {
		for range n {
			x := fl.leases.take()
			if x == nil {
				x = messages.NewExchange()
			}
			out = append(out, x)
		}
		return out
	}
	giveBack := func(list []*messages.Exchange) {
		for _, x := range list {
			require.True(t, fl.keep(x))
		}
	}
	giveBack(lend(4000))
	require.Empty(t, fl.shrink(), "all were needed since the last time")
	giveBack(lend(3))
	busy := lend(2)
	require.Len(t, fl.shrink(), 3997)
	require.Equal(t, int32(3), fl.leases.n)
	require.Less(t, fl.bytes(), 4*leaseCost, "the list is small, too")
	giveBack(busy)
	require.Len(t, fl.shrink(), 1, "two had work")
	require.Len(t, fl.shrink(), 2)
	require.Zero(t, fl.bytes())
	require.Nil(t, fl.leases)
}

// tenant leases many request actors, and keeps them.
type tenant struct {
	env  *env.Env
	n    int
	kept []*messages.Exchange
}

func (l *tenant) Receive(ctx actor.Context) {
	if _, ok := ctx.Message().(*actor.Started); !ok {
		return
	}
	for range l.n {
		x := messages.NewExchange()
		x.Actor = ctx.SpawnPrefix(requestProps(l.env), "request")
		x.Process, _ = l.env.System.ProcessRegistry.Get(x.Actor)
		x.Header = codec.Header{Code: codec.ReqSendMessageV2}
		start(x)
		l.kept = append(l.kept, x)
	}
}

// Whether nothing but polls is in flight is known without a look at each request, however they come and go.
func TestOnlyPollsAreInFlight(t *testing.T) {
	request := func(code, opaque int32, relayed bool) *messages.Exchange {
		return &messages.Exchange{Header: codec.Header{Code: code, Opaque: opaque}, Relayed: relayed}
	}
	fl := inflight{}
	require.True(t, fl.onlyPolls(), "of nothing")
	pull, pop := request(codec.ReqPullMessage, 1, true), request(codec.ReqPopMessage, 2, true)
	fl.add(pull)
	fl.add(pop)
	require.True(t, fl.onlyPolls())
	fl.leaveTombstone(0, codec.Header{Code: codec.ReqSendMessage, Opaque: 3}, 0)
	require.True(t, fl.onlyPolls(), "a tombstone is not in flight")
	fl.add(request(codec.ReqSendMessage, 4, true))
	require.False(t, fl.onlyPolls())
	require.Same(t, pull, fl.take(0, 1))
	require.False(t, fl.onlyPolls(), "fewer polls, and still a send")
	require.NotNil(t, fl.take(0, 4))
	require.True(t, fl.onlyPolls())
	require.True(t, fl.take(0, 3).Tombstone)
	require.True(t, fl.onlyPolls())
	local := request(codec.ReqPullMessage, 5, false)
	fl.add(local)
	require.False(t, fl.onlyPolls(), "the proxy is about to answer it")
	require.True(t, fl.remove(local))
	require.False(t, fl.remove(local))
	require.True(t, fl.remove(pop))
	require.Equal(t, 0, fl.polls)
	require.True(t, fl.onlyPolls())
}

// The budget counts what requests really cost, about.
func TestWhatARequestCosts(t *testing.T) {
	heap := func() int {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	const n = 20_000
	e := env.New(&transport.Net{}, slog.New(slog.DiscardHandler), env.Settings{}, func(why error) { t.Error(why) })
	before := heap()
	l := &tenant{env: e, n: n}
	pid := e.System.Root.Spawn(e.Props(func() actor.Actor { return l }, system.Inline, nil))
	each := (heap() - before) / n
	t.Logf("a request costs %d bytes", each)
	require.InEpsilon(t, leaseCost, each, 0.35)
	l.kept = nil
	e.System.Root.Stop(pid)
	require.Eventually(t, func() bool { return len(e.Actors(pid.Id)) == 0 }, time.Minute, 10*time.Millisecond)

	before = heap()
	tombstones := make([]*messages.Exchange, n)
	for i := range tombstones {
		tombstones[i] = &messages.Exchange{}
	}
	each = (heap() - before) / n
	t.Logf("a tombstone costs %d bytes", each)
	require.InEpsilon(t, exchangeCost, each, 0.35)
	runtime.KeepAlive(tombstones)
}
