package actors_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

func TestPillarThatKeepsFailingEndsTheProcess(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"stats", "cluster"} {
		t.Run(kind, func(t *testing.T) {
			r := proxytest.Start(t, proxytest.Best, proxytest.Options{MayGiveUp: true})
			id := r.Actors(kind)[0]
			for range 10 {
				r.Kill(id)
			}
			require.Empty(t, r.GaveUp, "ten failures are within the limit")
			r.Kill(id)
			select {
			case why := <-r.GaveUp:
				require.ErrorContains(t, why, id)
				require.ErrorContains(t, why, "killed by a test")
			case <-time.After(proxytest.Patience):
				require.Fail(t, "the proxy does not give up")
			}
		})
	}
}

func TestTopSupervisorThatKeepsFailingEndsTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // each time everything begins anew, which takes a moment of the window
		t.Cleanup(func() { time.Sleep(time.Minute) }) // timers of the library end by themselves
		p := newPipes(t, proxytest.Echo)
		r := proxytest.Launch(t, func(testing.TB, codec.Limits, int) transport.Transport { return p },
			proxytest.Options{NameServers: []string{pipesNameServer}, MayGiveUp: true})
		for range 11 {
			r.Proxy.Kill(actors.Root)
			synctest.Wait()
		}
		select {
		case why := <-r.GaveUp:
			require.ErrorContains(t, why, "proxy")
		default:
			require.Fail(t, "the proxy does not give up")
		}
	})
}

// A restart of the top supervisor costs all connections, and the doors open again.
func TestKilledTopSupervisorStartsAnew(t *testing.T) {
	t.Parallel()
	r := proxytest.Start(t, proxytest.Best, proxytest.Options{})
	client, broker := r.Pinned()
	r.Proxy.Kill(actors.Root)
	client.Ends()
	broker.Ends()
	proxytest.Until(t, "the listener is open again", func() bool { return r.Listener().Open() })
	client, broker = r.Pinned()
	client.Works(broker)
}

// A child of a listener that keeps failing makes the listener begin anew: clients are cut once, and the ports open again.
func TestListenerBeginsAnewWhenItsChildrenKeepFailing(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"connections", "acceptor"} {
		t.Run(kind, func(t *testing.T) {
			r := proxytest.Start(t, proxytest.Best, proxytest.Options{})
			client, _ := r.Pinned()
			id := r.Actors(kind)[0]
			for range 11 {
				r.Kill(id)
			}
			client.Ends()
			r.Until("the listener has failed", func() bool { return r.Failed("listener") == 1 })
			r.Until("the listener is open again", func() bool {
				l := r.Listener()
				_, ok := l.PortOf(proxytest.BrokerA)
				return l.Open() && ok
			})
			client, broker := r.Pinned()
			client.Works(broker)
		})
	}
}

// A child of a connection that keeps failing ends that connection, and no other.
func TestConnectionEndsWhenItsChildrenKeepFailing(t *testing.T) {
	for kind, limit := range map[string]int{"request": 64, "upstream": 5} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := proxytest.Start(t, proxytest.Best, proxytest.Options{})
			client, broker := r.Pinned()
			var ids []string
			r.Until("it keeps its actors for more", func() bool {
				ids = r.Actors(kind)
				client.Works(broker)
				return len(ids) > 0 && slices.Equal(ids, r.Actors(kind))
			})
			id := ids[0]
			other, otherBroker := r.Pinned()
			for range limit {
				r.Kill(id)
			}
			require.Len(t, r.Actors("connection"), 2, "within the limit")
			r.Kill(id)
			client.Ends()
			r.Until("only the other is left", func() bool { return len(r.Actors("connection")) == 1 })
			require.Equal(t, 1, r.Failed("connection"))
			other.Works(otherBroker)
		})
	}
}

// The directory begins anew when a name server's actor keeps failing, and what it knew is not lost.
func TestDirectoryBeginsAnewWhenANameServerActorKeepsFailing(t *testing.T) {
	t.Parallel()
	r := proxytest.Start(t, proxytest.Best, proxytest.Options{})
	id := r.Actors("nameserver")[0]
	for range 11 {
		r.Kill(id)
	}
	r.Until("the directory has failed", func() bool { return r.Failed("cluster") == 1 })
	client := proxytest.Dial(t, r.NameServer())
	require.Equal(t, codec.ResTopicNotExist, client.Call(proxytest.RouteRequest("Unknown")).Code)
	require.Equal(t, []string{id}, r.Actors("nameserver"))
}
