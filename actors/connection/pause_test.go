package connection_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// pause begins a pause of broker-a, and resume ends it, with all that follows.
func pause(s *proxytest.Sim) {
	s.Cluster().Pause(proxytest.BrokerA.Name, time.Now())
	synctest.Wait()
}

func resume(s *proxytest.Sim) {
	s.Cluster().Resume(proxytest.BrokerA.Name)
	synctest.Wait()
}

func parkedNow(s *proxytest.Sim) int64 {
	synctest.Wait()
	return s.Cluster().Snapshot().Broker(proxytest.BrokerA).Pause().Parked.Load()
}

func TestAPauseThatEndsInTimeIsNotSeen(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		c, broker := s.Pinned()
		pause(s)
		var opaques []int32
		for i := range 5 {
			opaques = append(opaques, c.Request(codec.ReqSendMessageV2, fmt.Sprint("message ", i)))
		}
		c.Send(&codec.Command{Code: codec.ReqSendMessageV2, Flag: codec.FlagOneway, Body: []byte("oneway")})
		broker.Quiet()
		require.EqualValues(t, 6, parkedNow(s))
		time.Sleep(60 * time.Millisecond)
		require.Equal(t, 6, s.Stat("send_message_v2_active"))
		require.Equal(t, 6, s.Stat("send_message_pending"))
		require.Equal(t, 6, s.Stat("total_pending"))

		time.Sleep(1900 * time.Millisecond)
		resume(s)
		for i := range 5 {
			asked := broker.Next()
			require.Equal(t, fmt.Sprint("message ", i), string(asked.Body), "in their order")
			require.Equal(t, opaques[i], asked.Opaque)
			broker.Answer(asked, "")
			require.Equal(t, codec.ResSuccess, c.Next().Code)
		}
		require.Equal(t, "oneway", string(broker.Next().Body))
		require.Zero(t, parkedNow(s))
		c.Works(broker)
		time.Sleep(60 * time.Millisecond)
		s.GaugesAreZero()
		require.Zero(t, s.Stat("response_error"))
		require.Len(t, s.Broker.Conns(), 1, "the link is the one that it was")
	})
}

func TestAPauseThatLastsIsAnsweredForThoseThatWait(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		c, broker := s.Pinned()
		pause(s)
		first := c.Request(codec.ReqSendMessageV2, "one")
		c.Send(&codec.Command{Code: codec.ReqSendMessageV2, Flag: codec.FlagOneway})
		time.Sleep(time.Second)
		second := c.Request(codec.ReqSendMessageV2, "two")
		time.Sleep(time.Second - 20*time.Millisecond)
		c.Quiet()
		time.Sleep(22 * time.Millisecond)
		a := c.Next()
		require.Equal(t, first, a.Opaque)
		require.Equal(t, codec.ResServiceNotAvailable, a.Code)
		require.Contains(t, a.Remark, "broker broker-a/0 is paused")
		c.Quiet()
		time.Sleep(time.Second + 12*time.Millisecond)
		require.Equal(t, second, c.Next().Opaque)
		require.Zero(t, parkedNow(s))

		third := c.Request(codec.ReqSendMessageV2, "three")
		resume(s)
		asked := broker.Next()
		require.Equal(t, third, asked.Opaque, "what was given up is not sent")
		broker.Answer(asked, "")
		require.Equal(t, codec.ResSuccess, c.Next().Code)
		time.Sleep(60 * time.Millisecond)
		s.GaugesAreZero()
		require.Equal(t, 3, s.Stat("response_error"), "two that were answered, and the oneway one that was dropped")
		require.Equal(t, 4, s.Stat("send_message_v2"))
	})
}

func TestHeartbeatsAreAnsweredWhileTheBrokerIsPaused(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		c, broker := s.Pinned()
		c.Request(codec.ReqHeartBeat, proxytest.FullHeartbeat)
		asked := broker.Next()
		a := asked.Answer(codec.ResSuccess, "")
		a.Version, a.Ext = 490, map[string]string{"IS_SUPPORT_HEART_BEAT_V2": "true", "IS_SUB_CHANGE": "false"}
		broker.WriteFrames(a)
		c.Next()

		pause(s)
		send := c.Request(codec.ReqSendMessageV2, "waits")
		newer := strings.Replace(proxytest.FullHeartbeat, `"g"`, `"other"`, 1)
		for _, body := range []string{newer, proxytest.ShortHeartbeat} {
			opaque := c.Request(codec.ReqHeartBeat, body)
			a := c.Next()
			require.Equal(t, opaque, a.Opaque)
			require.Equal(t, codec.ResSuccess, a.Code)
			require.EqualValues(t, 490, a.Version)
			require.Equal(t, map[string]string{"IS_SUPPORT_HEART_BEAT_V2": "true", "IS_SUB_CHANGE": "false"}, a.Ext)
		}
		broker.Quiet()

		resume(s)
		replay := broker.Next()
		require.EqualValues(t, codec.ReqHeartBeat, replay.Code)
		require.EqualValues(t, math.MinInt32, replay.Opaque)
		require.Equal(t, newer, string(replay.Body), "the last full one")
		broker.Answer(replay, "")
		asked = broker.Next()
		require.Equal(t, send, asked.Opaque)
		broker.Answer(asked, "")
		require.Equal(t, send, c.Next().Opaque, "the answer to the replay is not the client's")
		c.Works(broker)
	})
}

// A client whose broker has not confirmed a heartbeat cannot be told what the broker would say.
func TestTheFirstHeartbeatWaitsForTheBroker(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		pause(s)
		c := s.Dial(s.Port(proxytest.BrokerA))
		beat := c.Request(codec.ReqHeartBeat, proxytest.FullHeartbeat)
		pull := c.Send(proxytest.PullRequest(0))
		c.Quiet()
		resume(s)
		broker := s.Broker.Accept()
		for _, opaque := range []int32{beat, pull} {
			asked := broker.Next()
			require.Equal(t, opaque, asked.Opaque)
			broker.Answer(asked, "")
			require.Equal(t, opaque, c.Next().Opaque)
		}
	})
}

func TestNothingIsSentToABrokerThatRestartsUnderAPause(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		c, broker := s.Pinned()
		c.Heartbeat(broker, proxytest.FullHeartbeat)
		pause(s)
		send := c.Request(codec.ReqSendMessageV2, "waits")
		s.Broker.Crash()
		time.Sleep(500 * time.Millisecond)
		require.False(t, s.Refuses(s.Port(proxytest.BrokerA)), "clients may come and wait")
		late := s.Dial(s.Port(proxytest.BrokerA))
		lateSend := late.Request(codec.ReqSendMessageV2, "comes and waits")

		s.Broker.Restart()
		time.Sleep(1200 * time.Millisecond)
		require.Zero(t, s.Broker.Waiting(), "nobody connects")
		require.Zero(t, s.Stat("response_error"))

		resume(s)
		time.Sleep(100 * time.Millisecond)
		for range 2 {
			broker = s.Broker.Accept()
			asked := broker.Next()
			client := late
			if asked.Code == codec.ReqHeartBeat {
				require.Equal(t, proxytest.FullHeartbeat, string(asked.Body), "the heartbeat goes first")
				broker.Answer(asked, "")
				asked, client = broker.Next(), c
			}
			broker.Answer(asked, "")
			require.Equal(t, map[*proxytest.Client]int32{c: send, late: lateSend}[client], client.Next().Opaque)
		}
	})
}

func TestABrokerThatIsAwayWhenItsPauseEndsIsLostThen(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		c, _ := s.Pinned()
		pause(s)
		s.Broker.Crash()
		time.Sleep(100 * time.Millisecond)
		send := c.Request(codec.ReqSendMessageV2, "waits")
		resume(s)
		require.True(t, s.Refuses(s.Port(proxytest.BrokerA)))
		a := c.Next()
		require.Equal(t, send, a.Opaque)
		require.Equal(t, codec.ResServiceNotAvailable, a.Code)
		c.Ends()
	})
}

// So do the clients of one that is known to be away: its port opens for as long as the pause lasts.
func TestABrokerThatIsAwayCanBePaused(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		c := s.Dial(s.Port(proxytest.BrokerA))
		s.Broker.Crash()
		c.Request(codec.ReqSendMessageV2, "finds out")
		time.Sleep(time.Second)
		require.True(t, s.Refuses(s.Port(proxytest.BrokerA)))
		pause(s)
		require.False(t, s.Refuses(s.Port(proxytest.BrokerA)))
		c = s.Dial(s.Port(proxytest.BrokerA))
		send := c.Request(codec.ReqSendMessageV2, "waits")
		s.Broker.Restart()
		time.Sleep(1500 * time.Millisecond)
		require.Positive(t, s.Broker.Waiting(), "it is looked for meanwhile")
		for range s.Broker.Waiting() {
			s.Broker.Accept().Ends() // without a byte
		}
		resume(s)
		broker := s.Broker.Accept()
		require.Equal(t, send, broker.Next().Opaque)
	})
}

// What is parked is bounded by the client's window: its socket is read no further.
func TestAPausedBrokersClientsAreNotReadForEver(t *testing.T) {
	const window = 512 << 10
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		c, broker := s.Pinned()
		pause(s)
		const size = 4 << 20
		body := strings.Repeat("x", size)
		opaque := c.Request(codec.ReqSendMessageV2, body)
		held, _ := s.Env.Transport.Buffered()
		require.Less(t, int(held), 2*window)
		require.EqualValues(t, 1, parkedNow(s))

		resume(s)
		asked := broker.Next()
		require.Len(t, asked.Body, size, "it goes on where it was")
		broker.Answer(asked, "")
		require.Equal(t, opaque, c.Next().Opaque)

		pause(s)
		c.Request(codec.ReqSendMessageV2, body)
		time.Sleep(3 * time.Second)
		require.Equal(t, codec.ResServiceNotAvailable, c.Next().Code)
		resume(s)
		c.Works(broker) // the rest of the frame was dropped
	})
}

// An answer to a request of the broker is sent in its turn, and the rest of what has begun to go out goes on.
func TestAFrameThatIsOnItsWayWhenAPauseBeginsGoesOn(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		c, broker := s.Pinned()
		frame := proxytest.Frame(&codec.Command{Code: codec.ReqSendMessageV2, Opaque: 77, Body: []byte(strings.Repeat("x", 1000))})
		c.Write(frame[:500])
		pause(s)
		answer := &codec.Command{Code: codec.ResSuccess, Flag: codec.FlagResponse, Opaque: 5}
		c.Write(append(frame[500:], proxytest.Frame(answer)...))
		require.EqualValues(t, 77, broker.Next().Opaque)
		broker.Quiet()
		require.Zero(t, parkedNow(s), "it is not a request")
		resume(s)
		require.EqualValues(t, 5, broker.Next().Opaque)
	})
}

// A client that leaves takes what it has parked with it.
func TestAClientThatLeavesIsNoLongerParked(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		c, _ := s.Pinned()
		pause(s)
		c.Request(codec.ReqSendMessageV2, "one")
		c.Send(&codec.Command{Code: codec.ReqSendMessageV2, Flag: codec.FlagOneway})
		require.EqualValues(t, 2, parkedNow(s))
		c.Close()
		require.Zero(t, parkedNow(s))
		time.Sleep(60 * time.Millisecond)
		s.GaugesAreZero()
		held, _ := s.Env.Transport.Buffered()
		require.Zero(t, held)
	})
}

// A drain lets a client go that is parked once it has its answer.
func TestADrainWaitsForWhatIsParked(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		c, _ := s.Pinned()
		pause(s)
		opaque := c.Request(codec.ReqSendMessageV2, "one")
		s.Drain(messages.Drain{})
		time.Sleep(time.Second)
		c.Quiet()
		time.Sleep(1500 * time.Millisecond)
		require.Equal(t, opaque, c.Next().Opaque)
		time.Sleep(2 * time.Second)
		c.Ends()
	})
}
