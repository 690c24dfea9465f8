package actors_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

func TestPillarThatKeepsFailingEndsTheProcess(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"stats", "cluster"} {
		t.Run(kind, func(t *testing.T) {
			r := start(t, best, options{mayGiveUp: true})
			id := r.actors(kind)[0]
			for range 10 {
				r.kill(id)
			}
			require.Empty(t, r.gaveUp, "ten failures are within the limit")
			r.kill(id)
			select {
			case why := <-r.gaveUp:
				require.ErrorContains(t, why, id)
				require.ErrorContains(t, why, "killed by a test")
			case <-time.After(patience):
				require.Fail(t, "the proxy does not give up")
			}
		})
	}
}

func TestTopSupervisorThatKeepsFailingEndsTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // each time everything begins anew, which takes a moment of the window
		t.Cleanup(func() { time.Sleep(time.Minute) }) // timers of the library end by themselves
		p := newPipes(t, echo)
		r := launch(t, func(testing.TB, codec.Limits, int) transport.Transport { return p },
			options{nameServers: []string{pipesNameServer}, mayGiveUp: true})
		for range 11 {
			r.env.Fault(r.top.Id, "killed by a test")
			synctest.Wait()
		}
		select {
		case why := <-r.gaveUp:
			require.ErrorContains(t, why, "proxy")
		default:
			require.Fail(t, "the proxy does not give up")
		}
	})
}

// A restart of the top supervisor costs all connections, and the doors open again.
func TestKilledTopSupervisorStartsAnew(t *testing.T) {
	t.Parallel()
	r := start(t, best, options{})
	client, broker := r.pinned()
	r.env.Fault(r.top.Id, "killed by a test")
	client.ends()
	broker.ends()
	await(t, "the listener is open again", func() bool { return r.tree.Listeners[0].Open() })
	client, broker = r.pinned()
	client.open(broker)
}

// A child of a listener that keeps failing makes the listener begin anew: clients are cut once, and the ports open again.
func TestListenerBeginsAnewWhenItsChildrenKeepFailing(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"connections", "acceptor"} {
		t.Run(kind, func(t *testing.T) {
			r := start(t, best, options{})
			client, _ := r.pinned()
			id := r.actors(kind)[0]
			for range 11 {
				r.kill(id)
			}
			client.ends()
			r.until("the listener has failed", func() bool { return r.failed("listener") == 1 })
			r.until("the listener is open again", func() bool {
				l := r.tree.Listeners[0]
				_, ok := l.PortOf(brokerA)
				return l.Open() && ok
			})
			client, broker := r.pinned()
			client.open(broker)
		})
	}
}

// A child of a connection that keeps failing ends that connection, and no other.
func TestConnectionEndsWhenItsChildrenKeepFailing(t *testing.T) {
	for kind, limit := range map[string]int{"request": 64, "upstream": 5} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := start(t, best, options{})
			client, broker := r.pinned()
			var ids []string
			r.until("it keeps its actors for more", func() bool {
				ids = r.actors(kind)
				client.open(broker)
				return len(ids) > 0 && slices.Equal(ids, r.actors(kind))
			})
			id := ids[0]
			other, otherBroker := r.pinned()
			for range limit {
				r.kill(id)
			}
			require.Len(t, r.actors("connection"), 2, "within the limit")
			r.kill(id)
			client.ends()
			r.until("only the other is left", func() bool { return len(r.actors("connection")) == 1 })
			require.Equal(t, 1, r.failed("connection"))
			other.open(otherBroker)
		})
	}
}

// The directory begins anew when a name server's actor keeps failing, and what it knew is not lost.
func TestDirectoryBeginsAnewWhenANameServerActorKeepsFailing(t *testing.T) {
	t.Parallel()
	r := start(t, best, options{})
	id := r.actors("nameserver")[0]
	for range 11 {
		r.kill(id)
	}
	r.until("the directory has failed", func() bool { return r.failed("cluster") == 1 })
	client := dial(t, r.nameServer())
	require.Equal(t, codec.ResTopicNotExist, client.call(routeRequest("Unknown")).Code)
	require.Equal(t, []string{id}, r.actors("nameserver"))
}
