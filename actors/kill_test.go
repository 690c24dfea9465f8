package actors_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

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
		require.Equal(t, 3, r.proxyMetric("local_replies_total", "broker", `,response_code="1"`))
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
	for _, kind := range []string{"cluster", "nameserver"} {
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

// Failures are kept for /actors: how many, when, and why.
func TestFailuresAreRemembered(t *testing.T) {
	t.Parallel()
	r := start(t, best, options{})
	id := r.actors("cluster")[0]
	require.Zero(t, r.env.Failures.Of(id))
	r.kill(id)
	r.kill(id)
	f := r.env.Failures.Of(id)
	require.Equal(t, 2, f.Count)
	require.Equal(t, "killed by a test", f.Last)
	require.WithinDuration(t, time.Now(), f.At, patience)
	require.Len(t, r.log.lines("BUG: an actor panicked", "killed by a test"), 2)
}

// slowDial is a transport on which dials to a broker wait for the gate; broker is set once it is known.
func slowDial(broker *atomic.Pointer[string], gate <-chan struct{}) sockets {
	return func(_ testing.TB, limits codec.Limits, window int) transport.Transport {
		return &transport.Net{Limits: limits, Window: window, Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
			if b := broker.Load(); b != nil && *b == address {
				<-gate
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}}
	}
}
