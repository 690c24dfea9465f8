package actors_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// load is several clients that send requests without a pause, some at a time, and account for every answer.
type load struct {
	addr    string
	stop    chan struct{}
	wg      sync.WaitGroup
	relayed atomic.Int64 // answered by the broker
	own     atomic.Int64 // answered by the proxy
	cut     atomic.Int64 // connections that ended with requests in flight
	dials   atomic.Int64
	errs    chan error // what must not be
}

func startLoad(addr string, clients int) *load {
	l := &load{addr: addr, stop: make(chan struct{}), errs: make(chan error, clients)}
	for i := range clients {
		l.wg.Go(func() {
			if err := l.client(i); err != nil {
				l.errs <- err
			}
		})
	}
	return l
}

// end stops the load and insists that nothing was wrong.
func (l *load) end(t *testing.T) {
	t.Helper()
	close(l.stop)
	l.wg.Wait()
	select {
	case err := <-l.errs:
		require.NoError(t, err)
	default:
	}
}

// progress waits until the broker has answered n more requests.
func (l *load) progress(t *testing.T, n int64) {
	t.Helper()
	goal := l.relayed.Load() + n
	await(t, fmt.Sprintf("%d more requests are answered", n), func() bool { return l.relayed.Load() >= goal || len(l.errs) > 0 })
}

func (l *load) client(id int) error {
	opaque := int32(id * 1_000_000)
	for {
		nc, err := net.DialTimeout("tcp", l.addr, patience)
		if err != nil {
			return err
		}
		l.dials.Add(1)
		done, err := l.session(nc, &opaque)
		nc.Close()
		if done || err != nil {
			return err
		}
		l.cut.Add(1)
	}
}

// session works until the load ends (done) or the proxy closes the connection.
func (l *load) session(nc net.Conn, opaque *int32) (done bool, err error) {
	const inFlight = 8
	for {
		select {
		case <-l.stop:
			return true, nil
		default:
		}
		nc.SetDeadline(time.Now().Add(patience))
		waiting := map[int32]string{}
		var b []byte
		for range inFlight {
			*opaque++
			waiting[*opaque] = fmt.Sprint("body of ", *opaque)
			c := &codec.Command{Code: codec.ReqSendMessageV2, Opaque: *opaque, Body: []byte(waiting[*opaque])}
			b = c.Append(b, codec.JSON)
		}
		if _, err := nc.Write(b); err != nil {
			return false, nil
		}
		for len(waiting) > 0 {
			c, _, err := codec.ReadCommand(nc, codec.Limits{})
			var timeout net.Error
			switch {
			case errors.As(err, &timeout) && timeout.Timeout():
				return false, fmt.Errorf("client %s: requests %v are never answered", nc.LocalAddr(), waiting)
			case err != nil:
				return false, nil
			}
			body, ok := waiting[c.Opaque]
			if !ok {
				return false, fmt.Errorf("an answer to %d, which was answered before or never asked: %+v", c.Opaque, c)
			}
			delete(waiting, c.Opaque)
			switch {
			case c.Code == codec.ResSuccess && string(c.Body) == body:
				l.relayed.Add(1)
			case c.Code == codec.ResSystemError || c.Code == codec.ResServiceNotAvailable:
				l.own.Add(1)
			default:
				return false, fmt.Errorf("request %d got code %d and body %q", c.Opaque, c.Code, c.Body)
			}
		}
	}
}

// TestKilledActorsUnderLoad kills actors of each kind while clients work. Each request is answered once, or its
// connection ends if that is what the kind's death means, and in the end nothing is left over. The window is so
// small that a few chunks that were not given back would stop a client for good.
func TestKilledActorsUnderLoad(t *testing.T) {
	kinds := []struct {
		kind  string
		kills int  // below the kind's limit
		cuts  bool // its death may end client connections
	}{
		{"request", 20, false}, {"upstream", 10, true}, {"connection", 10, true}, {"connections", 8, false}, {"acceptor", 8, false},
		{"listener", 8, false}, {"nameserver", 8, false}, {"directory", 8, false}, {"tally", 8, false}, {"stats", 8, false},
	}
	onBoth(t, func(t *testing.T, on sockets) {
		for _, k := range kinds {
			t.Run(k.kind, func(t *testing.T) {
				r := start(t, on, options{window: 32 << 10})
				r.broker.serve(echo)
				base := len(r.env.Actors("proxy"))
				l := startLoad(r.port(brokerA), 4)
				for i := range k.kills {
					l.progress(t, 20)
					ids := r.actors(k.kind)
					if len(ids) == 0 { // all clients are between two connections
						continue
					}
					r.fault(ids[i%len(ids)])
				}
				l.progress(t, 300)
				l.end(t)
				require.NotZero(t, r.failed(k.kind))
				if !k.cuts {
					require.Zero(t, l.cut.Load(), "connections were cut")
					require.Equal(t, k.kills, r.failed(k.kind), "each failure is counted")
				}
				require.LessOrEqual(t, l.cut.Load(), int64(r.failed(k.kind)), "a killed actor ends one connection at most")
				if k.kind != "request" && k.kind != "upstream" {
					require.Zero(t, l.own.Load(), "requests that the killed actors did not hold were answered by the proxy")
				}
				r.until("all actors of the clients are gone", func() bool { return len(r.env.Actors("proxy")) == base })
				if k.kind != "stats" && k.kind != "tally" { // what these were adding up may be lost with them
					r.settle(int(l.dials.Load()))
					r.gaugesAreZero()
				}
				fresh := dial(t, r.port(brokerA))
				require.Equal(t, "new", string(fresh.call(&codec.Command{Code: codec.ReqGetMaxOffset, Body: []byte("new")}).Body))
			})
		}
	})
}

func TestKilledRequestIsAnswered(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client, broker := r.pinned()
		var asked []*codec.Command
		for i := range 3 {
			client.request(codec.ReqSendMessage, fmt.Sprint(i))
			asked = append(asked, broker.next())
		}
		ids := r.actors("request")
		require.Len(t, ids, 3)
		for _, id := range ids {
			r.kill(id)
		}
		for range 3 {
			a := client.next()
			require.Equal(t, codec.ResSystemError, a.Code)
			require.Contains(t, a.Remark, "the broker may have carried the request out")
		}
		for _, c := range asked { // too late: the client has an answer
			broker.answer(c, "late")
		}
		client.open(broker) // the next thing that the client sees is not late
		require.Equal(t, ids, r.actors("request"), "the actors were restarted and are leased again")
		client.close()
		r.settle(1)
		require.Equal(t, 3, r.stat("response_error"))
		require.Equal(t, 3, r.proxyMetric("own_answers_total", "broker", `,response="1",name="SYSTEM_ERROR"`))
		r.gaugesAreZero()
	})
}

// A request that was killed while its upstream is being dialled goes out when the dial succeeds; its answer must not
// be a second one.
func TestKilledRequestIsAnsweredOnceWhileDialling(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	var slow atomic.Pointer[string]
	r := start(t, slowDial(&slow, gate), options{})
	slow.Store(&r.broker.addr)
	client := dial(t, r.port(brokerA))
	client.request(codec.ReqSendMessage, "early")
	r.until("the request is pending", func() bool { return r.stat("total_pending") == 1 })
	r.kill(r.actors("request")[0])
	require.Equal(t, codec.ResSystemError, client.next().Code)
	close(gate)
	broker := r.broker.accept()
	broker.answer(broker.next(), "late")
	client.open(broker)
}

// An own answer must not fall between the pieces of an answer that is passing through, and not be lost with it.
func TestKilledRequestWaitsForTheEndOfAnotherAnswer(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client, broker := r.pinned()
		client.request(codec.ReqPullMessage, "first")
		first := broker.next()
		r.until("the first request has its actor", func() bool { return len(r.actors("request")) == 1 })
		client.request(codec.ReqPullMessage, "second")
		broker.next()
		answer := first.Answer(codec.ResSuccess, "")
		answer.Body = make([]byte, 100_000)
		whole := frame(answer)
		broker.write(whole[:50_000])
		require.Equal(t, whole[:50_000], client.bytes(50_000))
		for _, id := range r.actors("request") { // one is free by now, and nobody notices its death
			r.kill(id)
		}
		broker.write(whole[50_000:])
		require.Equal(t, whole[50_000:], client.bytes(len(whole)-50_000))
		own := client.next()
		require.Equal(t, codec.ResSystemError, own.Code)
		require.Equal(t, int32(2), own.Opaque-first.Opaque+1)
	})
}

// Answers of ours that wait for the end of an answer which is being dropped are due when the upstream is lost.
func TestOwnAnswersSurviveTheLossOfAnUpstream(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client, broker := r.pinned()
		client.request(codec.ReqPullMessage, "first")
		first := broker.next()
		r.kill(r.actors("request")[0])
		require.Equal(t, codec.ResSystemError, client.next().Code)
		client.request(codec.ReqPullMessage, "second")
		broker.next()
		late := first.Answer(codec.ResSuccess, "")
		late.Body = make([]byte, 100_000)
		broker.write(frame(late)[:50_000]) // goes nowhere: the client has an answer
		r.until("the proxy has read it", func() bool {
			return r.proxyMetric("upstream_bytes_total", "broker", `,direction="received"`) == 50_000
		})
		r.kill(r.actors("request")[0])
		broker.close()
		require.Equal(t, codec.ResSystemError, client.next().Code)
	})
}

func TestKilledUpstreamIsALostOne(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client, broker := r.pinned()
		opaque := client.request(codec.ReqPullMessage, "held")
		broker.next()
		r.kill(r.actors("upstream")[0])
		broker.ends()
		a := client.next()
		require.Equal(t, opaque, a.Opaque)
		require.Equal(t, codec.ResServiceNotAvailable, a.Code)
		client.request(codec.ReqPullMessage, "again")
		broker = r.broker.accept()
		broker.answer(broker.next(), "found")
		require.Equal(t, "found", string(client.next().Body))
	})
}

func TestKilledConnectionEndsAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client, broker := r.pinned()
		victim := r.actors("connection")[0]
		other, otherBroker := r.pinned()
		client.request(codec.ReqPullMessage, "held")
		broker.next()
		r.kill(victim)
		client.ends()
		broker.ends()
		other.open(otherBroker)
		require.NotContains(t, r.actors("connection"), victim)
		other.close()
		r.settle(2)
		r.gaugesAreZero()
		require.Equal(t, 1, r.stat("response_error"))
	})
}

// What waits at the directory or at a name server is answered when that actor dies: with what is known, here nothing.
func TestKilledDirectoryAnswersWhoWaits(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"directory", "nameserver"} {
		t.Run(kind, func(t *testing.T) {
			ns := newFake(t)
			held := make(chan struct{}, 10)
			ns.serve(func(c *codec.Command) *codec.Command {
				if c.Code == codec.ReqGetRouteInfoByTopic {
					held <- struct{}{}
					return nil
				}
				return clusterInfo(c, "127.0.0.1:1")
			})
			r := start(t, best, options{nameServers: []string{ns.addr}})
			client := dial(t, r.nameServer())
			opaque := client.send(routeRequest("News"))
			<-held
			r.kill(r.actors(kind)[0])
			a := client.next()
			require.Equal(t, opaque, a.Opaque)
			require.Equal(t, codec.ResSystemError, a.Code)
			client.close()
			r.settle(1)
			r.gaugesAreZero()
		})
	}
}

func TestPillarThatKeepsFailingEndsTheProcess(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"stats", "tally", "directory", "listener"} {
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
	t.Parallel()
	r := start(t, best, options{mayGiveUp: true})
	for range 11 {
		r.env.System.Root.Send(r.top, &messages.Fault{Reason: "killed by a test"})
	}
	select {
	case why := <-r.gaveUp:
		require.ErrorContains(t, why, "proxy")
	case <-time.After(patience):
		require.Fail(t, "the proxy does not give up")
	}
}

// A restart of the top supervisor costs all connections, and the doors open again.
func TestKilledTopSupervisorStartsAnew(t *testing.T) {
	t.Parallel()
	r := start(t, best, options{})
	client, broker := r.pinned()
	r.env.System.Root.Send(r.top, &messages.Fault{Reason: "killed by a test"})
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
				_, ok := l.Place(brokerA)
				return l.Open() && ok
			})
			client, broker := r.pinned()
			client.open(broker)
		})
	}
}

// An event loop runs many actors: a panic of one of them must not stop it.
func TestPanicsDoNotStopTheEventLoops(t *testing.T) {
	t.Parallel()
	r := start(t, best, options{})
	var clients, brokers []*peer
	for range 8 { // on all loops
		c, b := r.pinned()
		clients, brokers = append(clients, c), append(brokers, b)
	}
	for _, id := range r.actors("connection")[:4] {
		r.kill(id)
	}
	alive := 0
	for i, c := range clients {
		c.nc.SetReadDeadline(time.Now().Add(patience))
		opaque := c.opaque + 1
		c.nc.Write(frame(&codec.Command{Code: codec.ReqGetMaxOffset, Opaque: opaque}))
		asked, _, err := codec.ReadCommand(brokers[i].r, codec.Limits{})
		if errors.Is(err, io.EOF) {
			continue
		}
		require.NoError(t, err)
		brokers[i].answer(asked, "")
		require.Equal(t, opaque, c.next().Opaque)
		alive++
	}
	require.Equal(t, 4, alive)
}

// A child of a connection that keeps failing ends that connection, and no other.
func TestConnectionEndsWhenItsChildrenKeepFailing(t *testing.T) {
	for kind, limit := range map[string]int{"request": 64, "upstream": 5} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := start(t, best, options{})
			client, broker := r.pinned()
			client.open(broker) // it has a request actor now
			id := r.actors(kind)[0]
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
	r.until("the directory has failed", func() bool { return r.failed("directory") == 1 })
	client := dial(t, r.nameServer())
	require.Equal(t, codec.ResTopicNotExist, client.call(routeRequest("Unknown")).Code)
	require.Equal(t, []string{id}, r.actors("nameserver"))
}

// Failures are kept for /actors: how many, when, and why.
func TestFailuresAreRemembered(t *testing.T) {
	t.Parallel()
	r := start(t, best, options{})
	id := r.actors("directory")[0]
	require.Zero(t, r.env.Failures.Of(id))
	r.kill(id)
	r.kill(id)
	f := r.env.Failures.Of(id)
	require.Equal(t, 2, f.Count)
	require.Equal(t, "killed by a test", f.Last)
	require.WithinDuration(t, time.Now(), f.At, patience)
	require.Len(t, r.log.lines("BUG: an actor panicked", "killed by a test"), 2)
}
