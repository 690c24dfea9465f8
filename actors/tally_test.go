package actors

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// What a tally has announced, and the stats actor has not taken before both are gone, is counted by their successors:
// so it is when everything begins anew, and messages that wait in mailboxes go with their actors.
func TestSumsOutliveTallyAndStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := NewEnv(&transport.Net{}, slog.New(slog.DiscardHandler), Settings{}, func(why error) { t.Error(why) })
		out := NewStatistics("main")
		root, b := e.System.Root, e.books[transport.Inline{}]
		spawn := func() (statsActor, tallyActor *actor.PID) {
			s := root.Spawn(e.props(func() actor.Actor { return &stats{env: e, out: out} }, nil, nil))
			return s, root.Spawn(e.props(func() actor.Actor { return &tally{env: e, book: b, stats: s} }, inline, nil))
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

		s, ta := spawn()
		b.add(port, &messages.Delta{Opened: 3})
		time.Sleep(tallyInterval)
		synctest.Wait()
		require.Equal(t, "3", open())

		require.NoError(t, root.StopFuture(s).Wait())
		b.add(port, &messages.Delta{Closed: 1})
		time.Sleep(tallyInterval) // the tally tells nobody
		synctest.Wait()
		require.NoError(t, root.StopFuture(ta).Wait())
		b.add(port, &messages.Delta{Closed: 1}) // nobody is there at all
		require.Equal(t, "3", open())

		s, ta = spawn()
		time.Sleep(tallyInterval)
		synctest.Wait()
		require.Equal(t, "1", open())

		require.NoError(t, root.StopFuture(ta).Wait())
		require.NoError(t, root.StopFuture(s).Wait())
		e.System.Shutdown()
		e.workers.Stop()
		time.Sleep(time.Minute) // timers of the library end by themselves
	})
}
