package stats

import (
	"cmp"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// What has been announced to the stats actor, and what nobody was there to take, is counted by its successor: so it is
// when everything begins again, and messages that wait in mailboxes go with their actors. What is left at the end is
// counted as it stops.
func TestSumsOutliveStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := system.NewRuntime(slog.New(slog.DiscardHandler), func(why error) { t.Error(why) })
		e.InjectFaults()
		recorders := map[transport.Executor]*Recorder{transport.Inline{}: {}}
		out := NewRegistry("main")
		root, b := e.System.Root, recorders[transport.Inline{}]
		spawn := func() *actor.PID {
			return root.Spawn(e.Props(func() actor.Actor { return New(e, recorders, out) }, nil, nil))
		}
		open := func() string {
			var page strings.Builder
			out.WriteMetrics(&page)
			for line := range strings.Lines(page.String()) {
				if strings.HasPrefix(line, "rocketmq_proxy_downstream_connections{") {
					return strings.TrimSpace(line[strings.Index(line, "} ")+2:])
				}
			}
			return ""
		}
		port := &messages.Port{Listener: "it", StatPrefix: "main"}

		s := spawn()
		b.Add(port, &messages.Delta{Opened: 3})
		time.Sleep(takeInterval)
		synctest.Wait()
		require.Equal(t, "3", open())

		b.Add(port, &messages.Delta{Closed: 1}) // announced, and not taken when the actor crashes
		e.Fault(s.Id, "killed by a test")
		time.Sleep(takeInterval)
		synctest.Wait()
		require.Equal(t, "2", open())

		b.Add(port, &messages.Delta{Closed: 1})
		require.NoError(t, root.StopFuture(s).Wait()) // there may be no successor
		require.Equal(t, "1", open())
		b.Add(port, &messages.Delta{Closed: 1}) // nobody is there at all
		require.Equal(t, "1", open())

		s = spawn()
		time.Sleep(takeInterval)
		synctest.Wait()
		require.Equal(t, "0", open())

		require.NoError(t, root.StopFuture(s).Wait())
		e.Shutdown()
		time.Sleep(time.Minute) // timers of the library end by themselves
	})
}

// Whatever codes clients make up, the sums are of as many as have a name, and one for all others.
func TestCodesWithoutANameAreOneSum(t *testing.T) {
	var r Recorder
	port := &messages.Port{Listener: "it"}
	d := &messages.Delta{Samples: []messages.Sample{{Kind: messages.RequestRead, Code: codec.ReqHeartBeat}}}
	for i := range int32(1000) {
		d.Samples = append(d.Samples, messages.Sample{Kind: messages.RequestRead, Code: 50_000 + i})
	}
	r.Add(port, d)
	r.Add(port, d)
	require.Equal(t, []messages.CodeTotals{{Code: codec.ReqHeartBeat, Read: 2, Active: 2}, {Code: messages.OtherCode, Read: 2000, Active: 2000}},
		r.take()[port].Codes)
}

// Samples that are alike share an entry, however they alternate, and count as they would one by one.
func TestSamplesThatAreAlikeCountAsOften(t *testing.T) {
	kinds := []messages.Sample{
		{Kind: messages.ResponseRead},
		{Kind: messages.RequestRead, Code: codec.ReqHeartBeat},
		{Kind: messages.RequestWaiting, Code: codec.ReqHeartBeat},
		{Kind: messages.RequestHanded, Code: codec.ReqHeartBeat},
		{Kind: messages.RequestAnswered, Code: codec.ReqHeartBeat, Nanos: 5},
		{Kind: messages.RequestAnswered, Code: codec.ReqHeartBeat, Nanos: 6},
		{Kind: messages.RequestAnswered, Code: codec.ReqHeartBeat, Nanos: 6, Response: codec.ResSystemError},
		{Kind: messages.RequestAnswered, Code: codec.ReqHeartBeat, Nanos: 6, Response: codec.ResSystemError, Local: true},
		{Kind: messages.RequestAbandoned, Code: codec.ReqSendMessage},
	}
	var together, apart Recorder
	port := &messages.Port{Listener: "it"}
	random := rand.New(rand.NewPCG(1, 2))
	count := func(s messages.Sample, times int) {
		d := &messages.Delta{}
		for range times {
			d.Add(s)
			apart.Add(port, &messages.Delta{Samples: []messages.Sample{s}})
		}
		require.Len(t, d.Samples, times/(1<<16)+1)
		together.Add(port, d)
	}
	count(kinds[0], 100_000) // more than one entry can count
	for range 100 {
		d := &messages.Delta{}
		for range 100 {
			s := kinds[random.IntN(len(kinds))]
			d.Add(s)
			apart.Add(port, &messages.Delta{Samples: []messages.Sample{s}})
		}
		require.Less(t, len(d.Samples), 100)
		together.Add(port, d)
	}
	want, got := apart.take()[port], together.take()[port]
	for _, sums := range []*messages.Totals{want, got} {
		sums.UpstreamTimes, sums.LocalTimes = oneByOne(sums.UpstreamTimes), oneByOne(sums.LocalTimes)
		slices.SortFunc(sums.Codes, func(a, b messages.CodeTotals) int { return cmp.Compare(a.Code, b.Code) })
	}
	require.Equal(t, want, got)
}

// oneByOne are times with a count of one each, in ascending order.
func oneByOne(times []messages.Times) (list []messages.Times) {
	for _, t := range times {
		for range t.Count {
			list = append(list, messages.Times{Nanos: t.Nanos, Count: 1})
		}
	}
	slices.SortFunc(list, func(a, b messages.Times) int { return cmp.Compare(a.Nanos, b.Nanos) })
	return list
}
