package actors_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

const (
	fullBeat  = `{"clientID":"10.0.0.1@app","consumerDataSet":[{"groupName":"g"}],"producerDataSet":[],"withoutSub":false,"heartbeatFingerprint":7}`
	shortBeat = `{"clientID":"10.0.0.1@app","consumerDataSet":[],"producerDataSet":[],"withoutSub":true,"heartbeatFingerprint":7}`
)

// beat sends a heartbeat, has the broker confirm it, and returns the frame that the broker got.
func beat(client, broker *peer, body string) (sent []byte) {
	client.t.Helper()
	opaque := client.request(codec.ReqHeartBeat, body)
	sent = broker.raw()
	asked, _, err := codec.Decode(sent, codec.Limits{})
	require.NoError(client.t, err)
	require.Equal(client.t, body, string(asked.Body))
	broker.answer(asked, "")
	require.Equal(client.t, opaque, client.next().Opaque)
	return sent
}

func TestLossAnswersWhatIsInFlight(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client, broker := r.pinned()
		waiting := map[int32]bool{}
		for _, code := range []int32{codec.ReqSendMessage, codec.ReqSendMessageV2, codec.ReqPullMessage, codec.ReqPopMessage} {
			waiting[client.request(code, "in flight")] = true
			broker.next()
		}
		broker.close()
		for range 4 {
			a := client.next()
			require.True(t, waiting[a.Opaque], "opaque %d", a.Opaque)
			delete(waiting, a.Opaque)
			require.Equal(t, codec.ResServiceNotAvailable, a.Code)
			require.Contains(t, a.Remark, r.broker.addr)
		}
		client.request(codec.ReqSendMessage, "after")
		broker = r.broker.accept()
		broker.answer(broker.next(), "stored")
		require.Equal(t, "stored", string(client.next().Body))
		client.close()
		r.settle(1)
		r.gaugesAreZero()
		require.Equal(t, 4, r.proxyMetric("local_replies_total", "broker", `,response_code="14"`))
		require.Equal(t, 1, r.proxyMetric("upstream_losses_total", "broker", ""))
		require.Equal(t, 2, r.proxyMetric("upstream_connections_total", "broker", ""))
	})
}

func TestRequestsToABrokerThatIsDownAreAnsweredAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client, broker := r.pinned()
		beat(client, broker, fullBeat) // others than consumers are disconnected
		r.broker.close()
		broker.close()
		for range 20 {
			a := client.call(&codec.Command{Code: codec.ReqSendMessage, Body: make([]byte, 10_000)})
			require.Equal(t, codec.ResServiceNotAvailable, a.Code)
		}
		back := fakeAt(t, r.broker.addr)
		back.serve(echo)
		await(t, "the broker is reached again", func() bool {
			return client.call(&codec.Command{Code: codec.ReqSendMessage}).Code == codec.ResSuccess
		})
		client.close()
		r.settle(1)
		r.gaugesAreZero()
	})
}

func TestLastFullHeartbeatIsReplayedFirst(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client, broker := r.pinned()
		beat(client, broker, `{"clientID":"10.0.0.1@app","consumerDataSet":[]}`)
		full := beat(client, broker, fullBeat)
		beat(client, broker, shortBeat)
		broker.close()
		broker = r.broker.accept() // without being asked: the client must stay a member of its groups
		replay := broker.raw()
		again, _, err := codec.Decode(replay, codec.Limits{})
		require.NoError(t, err)
		require.Negative(t, again.Opaque, "clients count up from 0")
		want, err := codec.WithOpaque(full, again.Opaque)
		require.NoError(t, err)
		require.Equal(t, string(want), string(replay))
		// A request that comes meanwhile waits for the answer to the replay.
		client.request(codec.ReqPullMessage, "behind the heartbeat")
		r.until("it is pending", func() bool { return r.stat("total_pending") == 1 })
		broker.quiet()
		broker.answer(again, "")
		pull := broker.next()
		require.Equal(t, "behind the heartbeat", string(pull.Body))
		broker.answer(pull, "found")
		require.Equal(t, "found", string(client.next().Body), "and the answer to the replay is swallowed")
		client.close()
		r.settle(1)
		r.gaugesAreZero()
		require.Equal(t, 1, r.proxyMetric("heartbeats_replayed_total", "broker", ""))
		require.Equal(t, 3, r.stat("heartbeat"), "a replay is not the client's")
	})
}

// The answer to a replay may come in one read with others, in pieces, with a body, or as a refusal.
func TestAnswerToAReplayIsSwallowedWhateverItLooksLike(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		for _, size := range []int{0, 100, 100_000} {
			t.Run(fmt.Sprint(size), func(t *testing.T) {
				r := start(t, on, options{})
				client, broker := r.pinned()
				beat(client, broker, fullBeat)
				broker.close()
				broker = r.broker.accept()
				replay := broker.next()
				push := frame(&codec.Command{Code: codec.ReqNotifyConsumerIDsChanged, Opaque: 1, Flag: codec.FlagOneway})
				refusal := replay.Answer(codec.ResSystemError, "not now")
				refusal.Body = make([]byte, size)
				after := frame(&codec.Command{Code: codec.ReqNotifyConsumerIDsChanged, Opaque: 2, Flag: codec.FlagOneway})
				broker.write(append(append(push, frame(refusal)...), after...))
				require.Equal(t, int32(1), client.next().Opaque)
				require.Equal(t, int32(2), client.next().Opaque)
				client.open(broker)
				require.Len(t, r.log.lines("broker rejected replayed heartbeat", "not now"), 1)
			})
		}
	})
}

// A client's very first request may be its heartbeat, and often is: nothing is lost yet that would have to be replayed.
func TestFirstHeartbeatGoesOutOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client := dial(t, r.port(brokerA))
		opaque := client.request(codec.ReqHeartBeat, fullBeat)
		client.request(codec.ReqGetMaxOffset, "next")
		broker := r.broker.accept()
		first := broker.next()
		require.Equal(t, opaque, first.Opaque)
		require.Equal(t, "next", string(broker.next().Body))
		client.close()
		r.settle(1)
		require.Zero(t, r.proxyMetric("heartbeats_replayed_total", "broker", ""))
	})
}

// A broker that does not answer the replay is not kept from requests for ever.
func TestReplayThatIsNotAnsweredIsWaitedForOnlyAMoment(t *testing.T) {
	t.Parallel()
	r := start(t, best, options{})
	client, broker := r.pinned()
	beat(client, broker, fullBeat)
	broker.close()
	broker = r.broker.accept()
	replay := broker.next()
	client.request(codec.ReqPullMessage, "behind the heartbeat")
	pull := broker.next()
	require.Equal(t, "behind the heartbeat", string(pull.Body))
	broker.answer(replay, "late")
	broker.answer(pull, "found")
	require.Equal(t, "found", string(client.next().Body), "the client never sees the answer to the replay")
}

func TestUnregisterForgetsTheHeartbeat(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client, broker := r.pinned()
		beat(client, broker, fullBeat)
		client.request(codec.ReqUnregisterClient, "")
		broker.answer(broker.next(), "")
		client.next()
		broker.close()
		r.until("the loss is known", func() bool { return r.proxyMetric("upstream_losses_total", "broker", "") == 1 })
		client.request(codec.ReqGetMaxOffset, "first")
		broker = r.broker.accept()
		require.Equal(t, "first", string(broker.next().Body), "nothing is replayed")
	})
}

// A heartbeat that is too long to be kept must not leave an older one to be replayed in its place.
func TestOversizedHeartbeatForgetsTheOlder(t *testing.T) {
	t.Parallel()
	r := start(t, best, options{})
	client, broker := r.pinned()
	beat(client, broker, fullBeat)
	beat(client, broker, `{"clientID":"`+string(make([]byte, 1<<20))+`"}`)
	broker.close()
	r.until("the loss is known", func() bool { return r.proxyMetric("upstream_losses_total", "broker", "") == 1 })
	client.request(codec.ReqGetMaxOffset, "first")
	broker = r.broker.accept()
	require.Equal(t, "first", string(broker.next().Body), "nothing is replayed")
}

func TestLossInTheMiddleOfAnAnswerEndsTheClient(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client, broker := r.pinned()
		client.request(codec.ReqPullMessage, "")
		pull := broker.next()
		answer := pull.Answer(codec.ResSuccess, "")
		answer.Body = make([]byte, 10_000)
		part := frame(answer)[:5000]
		broker.write(part)
		require.Equal(t, part, client.bytes(len(part)))
		broker.close()
		client.ends()
		r.settle(1)
		r.gaugesAreZero()
		require.Len(t, r.log.lines("lost in the middle of an answer", "client="+client.local()), 1)
	})
}

// The rest of a request that is being sent when the upstream is lost goes nowhere; the stream goes on behind it.
func TestLossInTheMiddleOfARequestDropsTheRest(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client, broker := r.pinned()
		whole := frame(&codec.Command{Code: codec.ReqSendMessage, Opaque: 50, Body: make([]byte, 300_000)})
		client.write(whole[:100_000])
		broker.bytes(100_000)
		broker.close()
		a := client.next()
		require.Equal(t, int32(50), a.Opaque)
		require.Equal(t, codec.ResServiceNotAvailable, a.Code)
		client.write(whole[100_000:])
		client.request(codec.ReqSendMessage, "next")
		broker = r.broker.accept()
		require.Equal(t, "next", string(broker.next().Body))
	})
}

// A broker that accepts and closes again must not be dialled in a circle.
func TestRedialsAreSpacedOut(t *testing.T) {
	t.Parallel()
	r := start(t, best, options{})
	client, broker := r.pinned()
	beat(client, broker, fullBeat)
	broker.close()
	begun := time.Now()
	for range 3 { // the first at once, then after 0.2 and 0.4 seconds, give or take a fifth
		r.broker.accept().close()
	}
	require.Greater(t, time.Since(begun), 470*time.Millisecond)
	for range 10 {
		require.Equal(t, codec.ResServiceNotAvailable, client.call(&codec.Command{Code: codec.ReqGetMaxOffset}).Code)
	}
	require.LessOrEqual(t, len(r.broker.conns), 1, "requests do not hurry the next dial")
}

// What a killed or lost upstream was holding must come back: four leaked chunks would fill this window.
func TestLossesLeakNoChunks(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{window: 16 << 10})
		client, broker := r.pinned()
		beat(client, broker, fullBeat)
		for range 5 {
			broker.close()
			broker = r.broker.accept()
			broker.next()
			client.request(codec.ReqSendMessage, string(make([]byte, 6000))) // parked behind the replay
			r.until("it is pending", func() bool { return r.stat("total_pending") == 1 })
			broker.close()
			require.Equal(t, codec.ResServiceNotAvailable, client.next().Code)
			broker = r.broker.accept()
			broker.answer(broker.next(), "")
			client.open(broker)
		}
		body := string(make([]byte, 1<<20))
		go client.request(codec.ReqSendMessage, body)
		asked := broker.next()
		require.Len(t, asked.Body, len(body))
		go broker.answer(asked, body)
		require.Len(t, client.next().Body, len(body))
	})
}
