package connection_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/limit"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// plenty is a budget without a bound.
type plenty struct{}

func (plenty) Reserve(int) bool { return true }
func (plenty) Release(int)      {}

func limitsOf(t *testing.T, rules ...limit.Rule) *limit.Set {
	t.Helper()
	set, err := limit.New(rules, nil, plenty{})
	require.NoError(t, err)
	return set
}

// limited are the options of a proxy with one limit, called "orders".
func limited(t *testing.T, rule limit.Rule) proxytest.Options {
	rule.Name = "orders"
	return proxytest.Options{Settings: actors.Settings{Limits: limitsOf(t, rule)}}
}

func counted(s *proxytest.Sim) [3]uint64 {
	n := s.Env.Settings().Limits.All()[0].Count
	return [3]uint64{n.Refused.Load(), n.Held.Load(), n.Delayed.Load()}
}

func sendTo(topic, body string) *codec.Command {
	return &codec.Command{Code: codec.ReqSendMessageV2, Ext: map[string]string{"a": "producers", "b": topic}, Body: []byte(body)}
}

// pullOf may be held by the broker for so long.
func pullOf(topic string, wait time.Duration) *codec.Command {
	return &codec.Command{Code: codec.ReqPullMessage, Ext: map[string]string{
		"consumerGroup": "consumers", "topic": topic, "queueOffset": "77", "sysFlag": "2", "suspendTimeoutMillis": fmt.Sprint(wait.Milliseconds()),
	}}
}

func popOf(topic string, wait time.Duration) *codec.Command {
	return &codec.Command{Code: codec.ReqPopMessage, Ext: map[string]string{
		"consumerGroup": "consumers", "topic": topic, "pollTime": fmt.Sprint(wait.Milliseconds()),
	}}
}

func TestSendsBeyondALimitAreToldWhichOne(t *testing.T) {
	proxytest.InSim(t, limited(t, limit.Rule{Topic: &route.MatcherSpec{Exact: "a"}, Requests: 2}), func(t *testing.T, s *proxytest.Sim) {
		c, broker := s.Pinned()
		for range 2 {
			c.Send(sendTo("a", "x"))
			broker.Answer(broker.Next(), "")
			require.Equal(t, codec.ResSuccess, c.Next().Code)
		}
		for _, code := range []int32{codec.ReqSendMessage, codec.ReqSendMessageV2, codec.ReqSendBatchMessage, codec.ReqSendReplyMessage, codec.ReqSendReplyMessageV2} {
			refused := c.Call(&codec.Command{Code: code, Ext: map[string]string{"topic": "a", "b": "a"}, Body: make([]byte, 1000)})
			require.Equal(t, codec.ResFlowControl, refused.Code, code)
			require.Contains(t, refused.Remark, `limit "orders"`)
		}
		broker.Quiet()
		for _, other := range []*codec.Command{sendTo("b", ""), {Code: codec.ReqQueryConsumerOffset, Ext: map[string]string{"topic": "a"}}, {Code: codec.ReqConsumerSendMsgBack, Ext: map[string]string{"topic": "a"}}} {
			c.Send(other)
			broker.Answer(broker.Next(), "")
			require.Equal(t, codec.ResSuccess, c.Next().Code)
		}
		require.Equal(t, [3]uint64{5, 0, 0}, counted(s))
		time.Sleep(500 * time.Millisecond)
		c.Send(sendTo("a", "y"))
		broker.Answer(broker.Next(), "")
		require.Equal(t, codec.ResSuccess, c.Next().Code)
	})
}

// The body of a refused send may come later: it goes nowhere, and what follows is whole.
func TestTheRestOfARefusedSendIsDropped(t *testing.T) {
	proxytest.InSim(t, limited(t, limit.Rule{Requests: 1}), func(t *testing.T, s *proxytest.Sim) {
		c, broker := s.Pinned()
		c.Send(sendTo("a", "x"))
		broker.Answer(broker.Next(), "")
		c.Next()
		large := sendTo("a", string(make([]byte, 10_000)))
		large.Opaque = 500
		frame := large.Append(nil, codec.JSON)
		c.Write(frame[:3000])
		require.Equal(t, codec.ResFlowControl, c.Next().Code)
		c.Write(frame[3000:])
		broker.Quiet()
		c.Works(broker)
	})
}

func TestPollsWaitUntilTheyMayPass(t *testing.T) {
	proxytest.InSim(t, limited(t, limit.Rule{Requests: 1}), func(t *testing.T, s *proxytest.Sim) {
		c, broker := s.Pinned()
		var opaques []int32
		begun := time.Now()
		for i := range 4 {
			opaques = append(opaques, c.Send(pullOf(fmt.Sprint("topic-", i), 15*time.Second)))
		}
		require.Equal(t, opaques[0], broker.Next().Opaque)
		broker.Quiet()
		require.Equal(t, [3]uint64{0, 3, 0}, counted(s))
		time.Sleep(60 * time.Millisecond)
		require.Equal(t, 3, s.Stat("total_pending"))
		c.Works(broker) // what comes later does not wait behind them
		for i := 1; i < 4; i++ {
			time.Sleep(time.Until(begun.Add(time.Duration(i)*time.Second - 20*time.Millisecond)))
			broker.Quiet()
			time.Sleep(11 * time.Millisecond)
			asked := broker.Next()
			require.Equal(t, opaques[i], asked.Opaque, "in their order")
			require.Equal(t, fmt.Sprint("topic-", i), asked.Ext["topic"])
			broker.Answer(asked, "message")
			require.Equal(t, opaques[i], c.Next().Opaque)
		}
		require.Equal(t, [3]uint64{0, 3, 0}, counted(s), "once each")
	})
}

// A poll whose own time is over is answered as its broker would, so that its client asks again as ever.
func TestPollsWaitNoLongerThanTheirBrokerWould(t *testing.T) {
	proxytest.InSim(t, limited(t, limit.Rule{Requests: 0.001, Burst: 1}), func(t *testing.T, s *proxytest.Sim) {
		c, broker := s.Pinned()
		c.Send(pullOf("a", time.Second))
		broker.Next()
		c.Send(pullOf("a", 10*time.Second))
		c.Send(popOf("a", 5*time.Second))
		c.Send(&codec.Command{Code: codec.ReqPullMessage, Ext: map[string]string{"topic": "a", "queueOffset": "5", "sysFlag": "0", "suspendTimeoutMillis": "15000"}})
		time.Sleep(time.Second + 20*time.Millisecond)
		brief := c.Next()
		require.Equal(t, codec.ResPullNotFound, brief.Code, "of one that the broker would not hold")
		require.Equal(t, "5", brief.Ext["nextBeginOffset"])
		time.Sleep(3900 * time.Millisecond)
		c.Quiet()
		time.Sleep(120 * time.Millisecond)
		pop := c.Next()
		require.Equal(t, codec.ResPollingTimeout, pop.Code)
		require.Contains(t, pop.Ext, "restNum")
		time.Sleep(5 * time.Second)
		pull := c.Next()
		require.Equal(t, codec.ResPullNotFound, pull.Code)
		require.Equal(t, "77", pull.Ext["nextBeginOffset"])
		broker.Quiet()
		c.Works(broker)
		time.Sleep(60 * time.Millisecond)
		require.Equal(t, 1, s.Stat("request_active"), "the first pull")
	})
}

// A pull that does not say from where on cannot be told that nothing has come.
func TestAPullWithoutAnOffsetIsRefused(t *testing.T) {
	proxytest.InSim(t, limited(t, limit.Rule{Requests: 1}), func(t *testing.T, s *proxytest.Sim) {
		c, broker := s.Pinned()
		c.Send(pullOf("a", time.Second))
		broker.Next()
		require.Equal(t, codec.ResFlowControl, c.Call(&codec.Command{Code: codec.ReqPullMessage, Ext: map[string]string{"topic": "a"}}).Code)
	})
}

// A request without an answer is neither refused nor dropped: the client waits.
func TestRequestsWithoutAnAnswerAreDelayedByNotReading(t *testing.T) {
	proxytest.InSim(t, limited(t, limit.Rule{Requests: 10, Burst: 1}), func(t *testing.T, s *proxytest.Sim) {
		c, broker := s.Pinned()
		for i := range 5 {
			oneway := sendTo("a", fmt.Sprint(i))
			oneway.Flag = codec.FlagOneway
			c.Send(oneway)
		}
		after := c.Request(codec.ReqGetMaxOffset, "after")
		require.Equal(t, "0", string(broker.Next().Body))
		for i := 1; i < 5; i++ {
			broker.Quiet()
			time.Sleep(101 * time.Millisecond)
			require.Equal(t, fmt.Sprint(i), string(broker.Next().Body))
		}
		require.Equal(t, after, broker.Next().Opaque)
		require.Equal(t, [3]uint64{0, 0, 4}, counted(s))
	})
}

func TestSendsInFlightAreLimited(t *testing.T) {
	proxytest.InSim(t, limited(t, limit.Rule{InFlight: 2}), func(t *testing.T, s *proxytest.Sim) {
		c, broker := s.Pinned()
		c.Send(sendTo("a", ""))
		c.Send(sendTo("a", ""))
		require.Equal(t, codec.ResFlowControl, c.Call(sendTo("a", "")).Code)
		first := broker.Next()
		broker.Next()
		broker.Answer(first, "")
		c.Next()
		c.Send(sendTo("a", "third"))
		require.Equal(t, "third", string(broker.Next().Body))
		c.Close() // with two in flight
		other, far := s.Pinned()
		for range 2 {
			other.Send(sendTo("a", ""))
			far.Next()
		}
		require.Equal(t, codec.ResFlowControl, other.Call(sendTo("a", "")).Code)
	})
}

func TestPollsInFlightAreLimitedUntilTheBrokerHoldsThem(t *testing.T) {
	proxytest.InSim(t, limited(t, limit.Rule{InFlight: 1}), func(t *testing.T, s *proxytest.Sim) {
		c, broker := s.Pinned()
		c.Send(pullOf("a", 15*time.Second))
		first := broker.Next()
		c.Send(pullOf("b", 15*time.Second))
		broker.Quiet()
		broker.Answer(first, "a message")
		c.Next()
		time.Sleep(25 * time.Millisecond)
		require.Equal(t, "b", broker.Next().Ext["topic"])
		c.Send(pullOf("c", 15*time.Second))
		broker.Quiet()
		time.Sleep(200 * time.Millisecond)
		require.Equal(t, "c", broker.Next().Ext["topic"], "the broker holds the one before")
	})
}

func TestAClientIsKnownFromItsFirstHeartbeatOn(t *testing.T) {
	rule := limit.Rule{Client: &route.MatcherSpec{Prefix: "10.0.0.1@"}, Requests: 1}
	proxytest.InSim(t, limited(t, rule), func(t *testing.T, s *proxytest.Sim) {
		c, broker := s.Pinned()
		answer := func() int32 {
			broker.Answer(broker.Next(), "")
			return c.Next().Code
		}
		for range 3 {
			c.Send(sendTo("a", ""))
			require.Equal(t, codec.ResSuccess, answer())
		}
		c.Heartbeat(broker, proxytest.FullHeartbeat)
		c.Send(sendTo("a", ""))
		require.Equal(t, codec.ResSuccess, answer())
		require.Equal(t, codec.ResFlowControl, c.Call(sendTo("a", "")).Code)
	})
}

// A drain does not wait for polls that wait for a limit.
func TestADrainAnswersPollsThatWait(t *testing.T) {
	proxytest.InSim(t, limited(t, limit.Rule{Requests: 0.001, Burst: 1}), func(t *testing.T, s *proxytest.Sim) {
		c, broker := s.Pinned()
		c.Send(pullOf("a", 15*time.Second))
		broker.Next()
		waiting := c.Send(pullOf("a", 15*time.Second))
		s.Drain(messages.Drain{})
		time.Sleep(2 * time.Second)
		answered := map[int32]int32{}
		for range 2 {
			a := c.Next()
			answered[a.Opaque] = a.Code
		}
		require.Equal(t, codec.ResPullNotFound, answered[waiting])
		c.Ends()
	})
}

func TestAPollThatMayPassWaitsForAPausedBroker(t *testing.T) {
	proxytest.InSim(t, limited(t, limit.Rule{Requests: 1}), func(t *testing.T, s *proxytest.Sim) {
		c, broker := s.Pinned()
		c.Send(pullOf("a", 15*time.Second))
		broker.Next()
		c.Send(pullOf("b", 15*time.Second))
		pause(s)
		time.Sleep(1500 * time.Millisecond)
		broker.Quiet()
		require.EqualValues(t, 1, parkedNow(s))
		resume(s)
		require.Equal(t, "b", broker.Next().Ext["topic"])
		require.Zero(t, parkedNow(s))
	})
}

// A reload takes effect at once for whatever waits.
func TestALimitThatIsRaisedLetsWhatWaitsPass(t *testing.T) {
	proxytest.InSim(t, limited(t, limit.Rule{Requests: 0.001, Burst: 1}), func(t *testing.T, s *proxytest.Sim) {
		c, broker := s.Pinned()
		c.Send(pullOf("a", 15*time.Second))
		broker.Next()
		c.Send(pullOf("b", 15*time.Second))
		c.Send(pullOf("c", 15*time.Second))
		settings := *s.Env.Settings()
		settings.Limits = nil
		s.Env.Adjust(settings)
		synctest.Wait()
		time.Sleep(time.Second + 10*time.Millisecond)
		require.Equal(t, "b", broker.Next().Ext["topic"])
		require.Equal(t, "c", broker.Next().Ext["topic"])
	})
}

// Clients that are gone have no place in the queue.
func TestAClientThatIsGoneWaitsNoMore(t *testing.T) {
	proxytest.InSim(t, limited(t, limit.Rule{Requests: 1}), func(t *testing.T, s *proxytest.Sim) {
		c, broker := s.Pinned()
		c.Send(pullOf("a", 15*time.Second))
		broker.Next()
		for range 10 {
			c.Send(pullOf("a", 15*time.Second))
		}
		other, far := s.Pinned()
		other.Send(pullOf("b", 15*time.Second))
		time.Sleep(60 * time.Millisecond)
		c.Close()
		other.Send(pullOf("c", 15*time.Second))
		time.Sleep(3 * time.Second)
		require.Equal(t, "c", far.Next().Ext["topic"], "the next one has the first free place")
		time.Sleep(60 * time.Millisecond)
	})
}

// A broker that is lost meanwhile is what the poll meets when it passes, and not before.
func TestAPollThatWaitsOutlivesItsBroker(t *testing.T) {
	proxytest.InSim(t, limited(t, limit.Rule{Requests: 1}), func(t *testing.T, s *proxytest.Sim) {
		c, broker := s.Pinned()
		c.Heartbeat(broker, proxytest.FullHeartbeat)
		c.Send(pullOf("a", 15*time.Second))
		broker.Answer(broker.Next(), "")
		c.Next()
		waiting := c.Send(pullOf("b", 15*time.Second))
		broker.Close()
		time.Sleep(1100 * time.Millisecond)
		again := s.Broker.Accept()
		for {
			asked := again.Next()
			if asked.Code == codec.ReqPullMessage {
				require.Equal(t, waiting, asked.Opaque)
				again.Answer(asked, "")
				break
			}
			again.Answer(asked, "")
		}
		require.Equal(t, waiting, c.Next().Opaque)
	})
}

// A pop of Envoy's dialect that has to wait reaches its broker under the code that brokers know, and so does one that passes.
func TestAPopOfEnvoysDialectWaitsAsWhatItBecomes(t *testing.T) {
	balanced(t, func(t *testing.T, p *onePort) {
		settings := *p.Env.Settings()
		settings.Limits = limitsOf(t, limit.Rule{Name: "orders", Requests: 1})
		p.Env.Adjust(settings)
		c := p.dial()
		ext := map[string]string{"consumerGroup": "g", "topic": "topic", "bname": "broker-b", "pollTime": "15000"}
		first := c.Send(&codec.Command{Code: codec.ReqPopMessageEnvoy, Ext: ext})
		b := p.b.Accept()
		passed := b.Next()
		require.Equal(t, first, passed.Opaque)
		require.Equal(t, codec.ReqPopMessage, passed.Code)
		second := c.Send(&codec.Command{Code: codec.ReqPopMessageEnvoy, Ext: ext})
		b.Quiet()
		time.Sleep(1100 * time.Millisecond)
		waited := b.Next()
		require.Equal(t, second, waited.Opaque)
		require.Equal(t, codec.ReqPopMessage, waited.Code)
		b.Answer(waited, "messages")
		require.Equal(t, second, c.Next().Opaque)
	})
}
