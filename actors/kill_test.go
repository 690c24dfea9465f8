package actors_test

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

func TestKilledRequestIsAnswered(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client, broker := r.Pinned()
		var asked []*codec.Command
		for i := range 3 {
			client.Request(codec.ReqSendMessage, fmt.Sprint(i))
			asked = append(asked, broker.Next())
		}
		ids := r.Actors("request")
		require.Len(t, ids, 3)
		for _, id := range ids {
			r.Kill(id)
		}
		for range 3 {
			a := client.Next()
			require.Equal(t, codec.ResSystemError, a.Code)
			require.Contains(t, a.Remark, "the broker may have carried the request out")
		}
		for _, c := range asked { // too late: the client has an answer
			broker.Answer(c, "late")
		}
		client.Works(broker) // the next thing that the client sees is not late
		require.Equal(t, ids, r.Actors("request"), "the actors were restarted and are leased again")
		client.Close()
		r.Settle(1)
		require.Equal(t, 3, r.Stat("response_error"))
		require.Equal(t, 3, r.BrokerMetric("local_replies_total", "broker", `,response_code="1"`))
		r.GaugesAreZero()
	})
}

// A request that was killed while its upstream is being dialed goes out when the dial succeeds; its answer must not
// be a second one.
func TestKilledRequestIsAnsweredOnceWhileDialing(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	var slow atomic.Pointer[string]
	r := proxytest.Start(t, proxytest.SlowDial(&slow, gate), proxytest.Options{})
	slow.Store(&r.Broker.Address)
	client := proxytest.Dial(t, r.Port(proxytest.BrokerA))
	client.Request(codec.ReqSendMessage, "early")
	r.Until("the request is pending", func() bool { return r.Stat("total_pending") == 1 })
	r.Kill(r.Actors("request")[0])
	require.Equal(t, codec.ResSystemError, client.Next().Code)
	close(gate)
	broker := r.Broker.Accept()
	broker.Answer(broker.Next(), "late")
	client.Works(broker)
}

// An own answer must not fall between the pieces of an answer that is passing through, and not be lost with it.
func TestKilledRequestWaitsForTheEndOfAnotherAnswer(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client, broker := r.Pinned()
		client.Request(codec.ReqPullMessage, "first")
		first := broker.Next()
		r.Until("the first request has its actor", func() bool { return len(r.Actors("request")) == 1 })
		client.Request(codec.ReqPullMessage, "second")
		broker.Next()
		answer := first.Answer(codec.ResSuccess, "")
		answer.Body = make([]byte, 100_000)
		whole := proxytest.Frame(answer)
		broker.Write(whole[:50_000])
		require.Equal(t, whole[:50_000], client.Read(50_000))
		for _, id := range r.Actors("request") { // one is free by now, and nobody notices its death
			r.Kill(id)
		}
		broker.Write(whole[50_000:])
		require.Equal(t, whole[50_000:], client.Read(len(whole)-50_000))
		own := client.Next()
		require.Equal(t, codec.ResSystemError, own.Code)
		require.Equal(t, int32(2), own.Opaque-first.Opaque+1)
	})
}

// Answers of ours that wait for the end of an answer which is being dropped are due when the upstream is lost.
func TestOwnAnswersSurviveTheLossOfAnUpstream(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client, broker := r.Pinned()
		client.Request(codec.ReqPullMessage, "first")
		first := broker.Next()
		r.Kill(r.Actors("request")[0])
		require.Equal(t, codec.ResSystemError, client.Next().Code)
		client.Request(codec.ReqPullMessage, "second")
		broker.Next()
		late := first.Answer(codec.ResSuccess, "")
		late.Body = make([]byte, 100_000)
		broker.Write(proxytest.Frame(late)[:50_000]) // goes nowhere: the client has an answer
		r.Until("the proxy has read it", func() bool {
			return r.BrokerMetric("upstream_bytes_total", "broker", `,direction="received"`) == 50_000
		})
		r.Kill(r.Actors("request")[0])
		broker.Close()
		require.Equal(t, codec.ResSystemError, client.Next().Code)
	})
}

func TestKilledUpstreamIsALostOne(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client, broker := r.Pinned()
		opaque := client.Request(codec.ReqPullMessage, "held")
		broker.Next()
		r.Kill(r.Actors("upstream")[0])
		broker.Ends()
		a := client.Next()
		require.Equal(t, opaque, a.Opaque)
		require.Equal(t, codec.ResServiceNotAvailable, a.Code)
		client.Request(codec.ReqPullMessage, "again")
		broker = r.Broker.Accept()
		broker.Answer(broker.Next(), "found")
		require.Equal(t, "found", string(client.Next().Body))
	})
}

func TestKilledConnectionEndsAlone(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client, broker := r.Pinned()
		victim := r.Actors("connection")[0]
		other, otherBroker := r.Pinned()
		client.Request(codec.ReqPullMessage, "held")
		broker.Next()
		r.Kill(victim)
		client.Ends()
		broker.Ends()
		other.Works(otherBroker)
		require.NotContains(t, r.Actors("connection"), victim)
		other.Close()
		r.Settle(2)
		r.GaugesAreZero()
		require.Equal(t, 1, r.Stat("response_error"))
	})
}

// What waits at the directory or at a name server is answered when that actor dies: with what is known, here nothing.
func TestKilledDirectoryAnswersWhoWaits(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"cluster", "nameserver"} {
		t.Run(kind, func(t *testing.T) {
			ns := proxytest.NewFakeBroker(t)
			held := make(chan struct{}, 10)
			ns.Answers(func(c *codec.Command) *codec.Command {
				if c.Code == codec.ReqGetRouteInfoByTopic {
					held <- struct{}{}
					return nil
				}
				return proxytest.ClusterInfo(c, "127.0.0.1:1")
			})
			r := proxytest.Start(t, proxytest.Best, proxytest.Options{NameServers: []string{ns.Address}})
			client := proxytest.Dial(t, r.NameServer())
			opaque := client.Send(proxytest.RouteRequest("News"))
			<-held
			r.Kill(r.Actors(kind)[0])
			a := client.Next()
			require.Equal(t, opaque, a.Opaque)
			require.Equal(t, codec.ResSystemError, a.Code)
			client.Close()
			r.Settle(1)
			r.GaugesAreZero()
		})
	}
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

// An event loop runs many actors: a panic of one of them must not stop it.
func TestPanicsDoNotStopTheEventLoops(t *testing.T) {
	t.Parallel()
	r := proxytest.Start(t, proxytest.Best, proxytest.Options{})
	var clients, brokers []*proxytest.Client
	for range 8 { // on all loops
		c, b := r.Pinned()
		clients, brokers = append(clients, c), append(brokers, b)
	}
	for _, id := range r.Actors("connection")[:4] {
		r.Kill(id)
	}
	alive := 0
	for i, c := range clients {
		c.Conn.SetReadDeadline(time.Now().Add(proxytest.Patience))
		const opaque = int32(1000)
		c.Conn.Write(proxytest.Frame(&codec.Command{Code: codec.ReqGetMaxOffset, Opaque: opaque}))
		asked, _, err := codec.ReadCommand(brokers[i].R, codec.Limits{})
		if errors.Is(err, io.EOF) {
			continue
		}
		require.NoError(t, err)
		brokers[i].Answer(asked, "")
		require.Equal(t, opaque, c.Next().Opaque)
		alive++
	}
	require.Equal(t, 4, alive)
}

// Failures are kept for /actors: how many, when, and why.
func TestFailuresAreRemembered(t *testing.T) {
	t.Parallel()
	r := proxytest.Start(t, proxytest.Best, proxytest.Options{})
	id := r.Actors("cluster")[0]
	require.Zero(t, r.Env.Failures.Of(id))
	r.Kill(id)
	r.Kill(id)
	f := r.Env.Failures.Of(id)
	require.Equal(t, 2, f.Count)
	require.Equal(t, "killed by a test", f.Last)
	require.WithinDuration(t, time.Now(), f.At, proxytest.Patience)
	require.Len(t, r.Log.Lines("BUG: actor panicked", "killed by a test"), 2)
}
