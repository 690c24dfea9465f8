package upstream_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

func TestLossAnswersWhatIsInFlight(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client, broker := r.Pinned()
		waiting := map[int32]bool{}
		for _, code := range []int32{codec.ReqSendMessage, codec.ReqSendMessageV2, codec.ReqPullMessage, codec.ReqPopMessage} {
			waiting[client.Request(code, "in flight")] = true
			broker.Next()
		}
		broker.Close()
		for range 4 {
			a := client.Next()
			require.True(t, waiting[a.Opaque], "opaque %d", a.Opaque)
			delete(waiting, a.Opaque)
			require.Equal(t, codec.ResServiceNotAvailable, a.Code)
			require.Contains(t, a.Remark, r.Broker.Address)
		}
		client.Request(codec.ReqSendMessage, "after")
		broker = r.Broker.Accept()
		broker.Answer(broker.Next(), "stored")
		require.Equal(t, "stored", string(client.Next().Body))
		client.Close()
		r.Settle(1)
		r.GaugesAreZero()
		require.Equal(t, 4, r.BrokerMetric("local_replies_total", "broker", `,response_code="14"`))
		require.Equal(t, 1, r.BrokerMetric("upstream_losses_total", "broker", ""))
		require.Equal(t, 2, r.BrokerMetric("upstream_connections_total", "broker", ""))
	})
}

func TestRequestsToABrokerThatIsDownAreAnsweredAtOnce(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client, broker := r.Pinned()
		client.Heartbeat(broker, proxytest.FullHeartbeat) // others than consumers are disconnected
		r.Broker.Close()
		broker.Close()
		for range 20 {
			a := client.Call(&codec.Command{Code: codec.ReqSendMessage, Body: make([]byte, 10_000)})
			require.Equal(t, codec.ResServiceNotAvailable, a.Code)
		}
		back := proxytest.NewFakeBrokerAt(t, r.Broker.Address)
		back.Answers(proxytest.Echo)
		proxytest.Until(t, "the broker is reached again", func() bool {
			return client.Call(&codec.Command{Code: codec.ReqSendMessage}).Code == codec.ResSuccess
		})
		client.Close()
		r.Settle(1)
		r.GaugesAreZero()
	})
}

func TestLastFullHeartbeatIsReplayedFirst(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client, broker := r.Pinned()
		client.Heartbeat(broker, `{"clientID":"10.0.0.1@app","consumerDataSet":[]}`)
		full := client.Heartbeat(broker, proxytest.FullHeartbeat)
		client.Heartbeat(broker, proxytest.ShortHeartbeat)
		broker.Close()
		broker = r.Broker.Accept() // without being asked: the client must stay a member of its groups
		replay := broker.NextFrame()
		again, _, err := codec.Decode(replay, codec.Limits{})
		require.NoError(t, err)
		require.Negative(t, again.Opaque, "clients count up from 0")
		want, err := codec.WithOpaque(full, again.Opaque)
		require.NoError(t, err)
		require.Equal(t, string(want), string(replay))
		// A request that comes meanwhile waits for the answer to the replay.
		client.Request(codec.ReqPullMessage, "behind the heartbeat")
		r.Until("it is pending", func() bool { return r.Stat("total_pending") == 1 })
		broker.Quiet()
		broker.Answer(again, "")
		pull := broker.Next()
		require.Equal(t, "behind the heartbeat", string(pull.Body))
		broker.Answer(pull, "found")
		require.Equal(t, "found", string(client.Next().Body), "and the answer to the replay is swallowed")
		client.Close()
		r.Settle(1)
		r.GaugesAreZero()
		require.Equal(t, 1, r.BrokerMetric("heartbeats_replayed_total", "broker", ""))
		require.Equal(t, 3, r.Stat("heartbeat"), "a replay is not the client's")
	})
}

// The answer to a replay may come in one read with others, in pieces, with a body, or as a refusal.
func TestAnswerToAReplayIsSwallowedWhateverItLooksLike(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		for _, size := range []int{0, 100, 100_000} {
			t.Run(fmt.Sprint(size), func(t *testing.T) {
				r := proxytest.Start(t, on, proxytest.Options{})
				client, broker := r.Pinned()
				client.Heartbeat(broker, proxytest.FullHeartbeat)
				broker.Close()
				broker = r.Broker.Accept()
				replay := broker.Next()
				push := proxytest.Frame(&codec.Command{Code: codec.ReqNotifyConsumerIDsChanged, Opaque: 1, Flag: codec.FlagOneway})
				refusal := replay.Answer(codec.ResSystemError, "not now")
				refusal.Body = make([]byte, size)
				after := proxytest.Frame(&codec.Command{Code: codec.ReqNotifyConsumerIDsChanged, Opaque: 2, Flag: codec.FlagOneway})
				broker.Write(append(append(push, proxytest.Frame(refusal)...), after...))
				require.Equal(t, int32(1), client.Next().Opaque)
				require.Equal(t, int32(2), client.Next().Opaque)
				client.Works(broker)
				require.Len(t, r.Log.Lines("broker rejected replayed heartbeat", "not now"), 1)
			})
		}
	})
}

// A client's very first request may be its heartbeat, and often is: nothing is lost yet that would have to be replayed.
func TestFirstHeartbeatGoesOutOnce(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client := proxytest.Dial(t, r.Port(proxytest.BrokerA))
		opaque := client.Request(codec.ReqHeartBeat, proxytest.FullHeartbeat)
		client.Request(codec.ReqGetMaxOffset, "next")
		broker := r.Broker.Accept()
		first := broker.Next()
		require.Equal(t, opaque, first.Opaque)
		require.Equal(t, "next", string(broker.Next().Body))
		client.Close()
		r.Settle(1)
		require.Zero(t, r.BrokerMetric("heartbeats_replayed_total", "broker", ""))
	})
}

// A broker that does not answer the replay is not kept from requests for ever.
func TestReplayThatIsNotAnsweredIsWaitedForOnlyAMoment(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		client, broker := s.Pinned()
		client.Heartbeat(broker, proxytest.FullHeartbeat)
		broker.Close()
		broker = s.Broker.Accept()
		replay := broker.Next()
		client.Request(codec.ReqPullMessage, "behind the heartbeat")
		time.Sleep(1900 * time.Millisecond)
		broker.Quiet()
		pull := broker.Next()
		require.Equal(t, "behind the heartbeat", string(pull.Body))
		broker.Answer(replay, "late")
		broker.Answer(pull, "found")
		require.Equal(t, "found", string(client.Next().Body), "the client never sees the answer to the replay")
	})
}

func TestUnregisterForgetsTheHeartbeat(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client, broker := r.Pinned()
		client.Heartbeat(broker, proxytest.FullHeartbeat)
		client.Request(codec.ReqUnregisterClient, "")
		broker.Answer(broker.Next(), "")
		client.Next()
		broker.Close()
		r.Until("the loss is known", func() bool { return r.BrokerMetric("upstream_losses_total", "broker", "") == 1 })
		client.Request(codec.ReqGetMaxOffset, "first")
		broker = r.Broker.Accept()
		require.Equal(t, "first", string(broker.Next().Body), "nothing is replayed")
	})
}

// A heartbeat that is too long to be kept must not leave an older one to be replayed in its place.
func TestOversizedHeartbeatForgetsTheOlder(t *testing.T) {
	t.Parallel()
	r := proxytest.Start(t, proxytest.Best, proxytest.Options{})
	client, broker := r.Pinned()
	client.Heartbeat(broker, proxytest.FullHeartbeat)
	client.Heartbeat(broker, `{"clientID":"`+string(make([]byte, 1<<20))+`"}`)
	broker.Close()
	r.Until("the loss is known", func() bool { return r.BrokerMetric("upstream_losses_total", "broker", "") == 1 })
	client.Request(codec.ReqGetMaxOffset, "first")
	broker = r.Broker.Accept()
	require.Equal(t, "first", string(broker.Next().Body), "nothing is replayed")
}

func TestLossInTheMiddleOfAnAnswerEndsTheClient(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client, broker := r.Pinned()
		client.Request(codec.ReqPullMessage, "")
		pull := broker.Next()
		answer := pull.Answer(codec.ResSuccess, "")
		answer.Body = make([]byte, 10_000)
		part := proxytest.Frame(answer)[:5000]
		broker.Write(part)
		require.Equal(t, part, client.Read(len(part)))
		broker.Close()
		client.Ends()
		r.Settle(1)
		r.GaugesAreZero()
		require.Len(t, r.Log.Lines("lost in the middle of an answer", "client="+client.Local()), 1)
	})
}

// The rest of a request that is being sent when the upstream is lost goes nowhere; the stream goes on behind it.
func TestLossInTheMiddleOfARequestDropsTheRest(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client, broker := r.Pinned()
		whole := proxytest.Frame(&codec.Command{Code: codec.ReqSendMessage, Opaque: 50, Body: make([]byte, 300_000)})
		client.Write(whole[:100_000])
		broker.Read(100_000)
		broker.Close()
		a := client.Next()
		require.Equal(t, int32(50), a.Opaque)
		require.Equal(t, codec.ResServiceNotAvailable, a.Code)
		client.Write(whole[100_000:])
		client.Request(codec.ReqSendMessage, "next")
		broker = r.Broker.Accept()
		require.Equal(t, "next", string(broker.Next().Body))
	})
}

// A broker that accepts and closes again must not be dialed in a circle.
func TestRedialsAreSpacedOut(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		client, broker := s.Pinned()
		client.Heartbeat(broker, proxytest.FullHeartbeat)
		broker.Close()
		begun := time.Now()
		for range 3 { // the first at once, then after 0.2 and 0.4 seconds, give or take a fifth
			s.Broker.Accept().Close()
		}
		require.Greater(t, time.Since(begun), 470*time.Millisecond)
		require.Less(t, time.Since(begun), 730*time.Millisecond)
		for range 10 {
			require.Equal(t, codec.ResServiceNotAvailable, client.Call(&codec.Command{Code: codec.ReqGetMaxOffset}).Code)
		}
		require.LessOrEqual(t, s.Broker.Waiting(), 1, "requests do not hurry the next dial")
	})
}

// What a killed or lost upstream was holding must come back: four leaked chunks would fill this window.
func TestLossesLeakNoChunks(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{Window: 16 << 10})
		client, broker := r.Pinned()
		client.Heartbeat(broker, proxytest.FullHeartbeat)
		for range 5 {
			broker.Close()
			broker = r.Broker.Accept()
			broker.Next()
			client.Request(codec.ReqSendMessage, string(make([]byte, 6000))) // parked behind the replay
			r.Until("it is pending", func() bool { return r.Stat("total_pending") == 1 })
			broker.Close()
			require.Equal(t, codec.ResServiceNotAvailable, client.Next().Code)
			broker = r.Broker.Accept()
			broker.Answer(broker.Next(), "")
			client.Works(broker)
		}
		body := string(make([]byte, 1<<20))
		go client.Request(codec.ReqSendMessage, body)
		asked := broker.Next()
		require.Len(t, asked.Body, len(body))
		go broker.Answer(asked, body)
		require.Len(t, client.Next().Body, len(body))
	})
}
