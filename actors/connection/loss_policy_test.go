package connection_test

import (
	"io"
	"math"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// lossTest is a proxy with one name server and the brokers a and b.
func lossTest(t *testing.T, test func(t *testing.T, s *proxytest.Sim, a *proxytest.FakeBroker)) {
	t.Helper()
	proxytest.InVirtualTime(t, proxytest.Options{Listener: func(l *actors.Listener) { l.Ports.VIP = true }}, func(t *testing.T, s *proxytest.Sim) {
		s.StartNameServer(0, proxytest.AAndB)
		a := s.StartBroker(proxytest.AddressA)
		s.StartBroker(proxytest.AddressB)
		s.Start()
		require.True(t, s.Listener().Open())
		test(t, s, a)
	})
}

func TestDeadBrokerCostsNoDialForEachRequest(t *testing.T) {
	lossTest(t, func(t *testing.T, s *proxytest.Sim, a *proxytest.FakeBroker) {
		c := s.Consumer()
		a.Crash()
		before := s.Network.Dials(proxytest.AddressA)
		for range 500 {
			require.Equal(t, codec.ResServiceNotAvailable, c.Call(proxytest.PullRequest(0)).Code)
		}
		require.Equal(t, before, s.Network.Dials(proxytest.AddressA), "dials while 500 requests were answered")

		time.Sleep(time.Minute)
		broker := s.Cluster().Snapshot().Broker(proxytest.BrokerA)
		require.True(t, broker.Away())
		require.InDelta(t, 60, s.Network.Dials(proxytest.AddressA)-before, 15, "one prober looks about once a second")
		require.Equal(t, uint64(s.Network.Dials(proxytest.AddressA)), broker.Dials.Load())
		require.Equal(t, broker.Dials.Load()-1, broker.Failures.Load(), "all failed but the first")
		before = s.Network.Dials(proxytest.AddressA)
		require.Equal(t, codec.ResServiceNotAvailable, c.Call(proxytest.PullRequest(0)).Code)
		require.Equal(t, before, s.Network.Dials(proxytest.AddressA), "also after any back-off of its own")
	})
}

func TestPortIsClosedWhileItsBrokerIsAway(t *testing.T) {
	lossTest(t, func(t *testing.T, s *proxytest.Sim, a *proxytest.FakeBroker) {
		port := s.Port(proxytest.BrokerA)
		s.Consumer()
		a.Crash()
		require.True(t, s.Refuses(port))
		require.True(t, s.Refuses(proxytest.VIP(port)))
		require.False(t, s.Refuses(s.Port(proxytest.BrokerB)), "the other broker's port")
		require.False(t, s.Refuses(proxytest.OfficePort), "the name-server port")
		require.Len(t, s.Log.Lines("broker unreachable"), 1)

		_, err := s.Network.Listen(port)
		require.ErrorIs(t, err, syscall.EADDRINUSE, "nobody else gets the port meanwhile")

		time.Sleep(45 * time.Second)
		a.Restart()
		time.Sleep(2 * time.Second)
		require.Equal(t, port, s.Port(proxytest.BrokerA))
		require.False(t, s.Refuses(proxytest.VIP(port)))
		require.Equal(t, codec.ResSuccess, s.Dial(port).Call(proxytest.SendRequest()).Code)
		require.Len(t, s.Log.Lines("broker recovered"), 1)
	})
}

func TestConsumerIsKeptAndRegisteredAgain(t *testing.T) {
	lossTest(t, func(t *testing.T, s *proxytest.Sim, a *proxytest.FakeBroker) {
		a.Answers(proxytest.HeartbeatsOnly)
		c := s.Consumer()
		c.Send(proxytest.PullRequest(0))
		a.Crash()
		require.Equal(t, codec.ResServiceNotAvailable, c.Next().Code, "what waited")
		for range 5 { // as clients do, every 3 s
			require.Equal(t, codec.ResServiceNotAvailable, c.Call(proxytest.PullRequest(0)).Code)
			time.Sleep(3 * time.Second)
		}
		a.Requests()
		a.Restart()
		time.Sleep(2 * time.Second)
		got := a.Requests()
		require.Len(t, got, 1, "the client has sent nothing since")
		require.Equal(t, codec.ReqHeartBeat, got[0].Code)
		require.Equal(t, int32(math.MinInt32), got[0].Opaque)
		require.Equal(t, proxytest.ConsumerHeartbeat().Body, got[0].Body)
		c.Quiet()
		c.Send(proxytest.PullRequest(0))
		require.Equal(t, codec.ReqPullMessage, a.Requests()[0].Code)
	})
}

// A broker tells the members of a group about a new one (40). Who is registered by the replay has no use for that
// before it has learned that the broker is back.
func TestConsumerIsNotifiedAgainWhenItKnows(t *testing.T) {
	lossTest(t, func(t *testing.T, s *proxytest.Sim, a *proxytest.FakeBroker) {
		c := s.Consumer()
		a.Crash()
		time.Sleep(45 * time.Second)
		a.Restart()
		time.Sleep(10 * time.Second)
		c.Quiet()
		c.Send(proxytest.ConsumerHeartbeat())
		push := c.Next()
		require.Equal(t, codec.ReqNotifyConsumerIDsChanged, push.Code)
		require.True(t, push.IsOneway())
		require.Equal(t, "g", push.Ext["consumerGroup"])
		require.True(t, c.Next().IsResponse(), "the heartbeat's answer")
		require.Equal(t, codec.ResSuccess, c.Call(proxytest.ConsumerHeartbeat()).Code, "only once")
		c.Quiet()
	})
}

func TestProducersConnectionBreaksOncePortIsClosed(t *testing.T) {
	lossTest(t, func(t *testing.T, s *proxytest.Sim, a *proxytest.FakeBroker) {
		a.Answers(proxytest.HeartbeatsOnly)
		port := s.Port(proxytest.BrokerA)
		p := s.Dial(port)
		require.Equal(t, codec.ResSuccess, p.Call(proxytest.ProducerHeartbeat()).Code)
		p.Send(proxytest.SendRequest())
		a.Crash()
		require.True(t, s.Refuses(port))
		p.Ends()
	})
}

func TestProducersConnectionBreaksAlsoWhenItsBrokerIsThereAgain(t *testing.T) {
	lossTest(t, func(t *testing.T, s *proxytest.Sim, a *proxytest.FakeBroker) {
		a.Answers(proxytest.HeartbeatsOnly)
		p := s.Dial(s.Port(proxytest.BrokerA))
		require.Equal(t, codec.ResSuccess, p.Call(proxytest.ProducerHeartbeat()).Code)
		p.Send(proxytest.SendRequest())
		a.Conns()[0].Close() // this connection only
		p.Ends()
		require.False(t, s.Refuses(s.Port(proxytest.BrokerA)))
	})
}

func TestOtherClientsAreAnsweredThenRefused(t *testing.T) {
	f := func(name string, prepare func(g *proxytest.Client)) {
		t.Run(name, func(t *testing.T) {
			lossTest(t, func(t *testing.T, s *proxytest.Sim, a *proxytest.FakeBroker) {
				a.Answers(proxytest.HeartbeatsOnly)
				g := s.Dial(s.Port(proxytest.BrokerA))
				prepare(g)
				g.Send(proxytest.SendRequest())
				g.Send(proxytest.SendRequest())
				a.Crash()
				require.Equal(t, codec.ResServiceNotAvailable, g.Next().Code)
				require.Equal(t, codec.ResServiceNotAvailable, g.Next().Code)
				g.Ends()
				require.True(t, s.Refuses(s.Port(proxytest.BrokerA)))
			})
		})
	}
	f("Go producer", func(g *proxytest.Client) {
		g.Language = codec.Go
		require.Equal(t, codec.ResSuccess, g.Call(proxytest.ProducerHeartbeat()).Code)
	})
	f("Go consumer", func(g *proxytest.Client) {
		g.Language = codec.Go
		require.Equal(t, codec.ResSuccess, g.Call(proxytest.ConsumerHeartbeat()).Code)
	})
	f("without a heartbeat", func(*proxytest.Client) {})
}

func TestClientWithoutRequestsInFlightIsRefusedToo(t *testing.T) {
	lossTest(t, func(t *testing.T, s *proxytest.Sim, a *proxytest.FakeBroker) {
		p := s.Dial(s.Port(proxytest.BrokerA))
		require.Equal(t, codec.ResSuccess, p.Call(proxytest.ProducerHeartbeat()).Code)
		a.Crash()
		p.Ends()
	})
}

// An upstream that ends while nothing waits, as after 120 s without traffic, is no reason to disturb anybody.
func TestIdleUpstreamThatEndsDisturbsNobody(t *testing.T) {
	lossTest(t, func(t *testing.T, s *proxytest.Sim, a *proxytest.FakeBroker) {
		p := s.Dial(s.Port(proxytest.BrokerA))
		require.Equal(t, codec.ResSuccess, p.Call(proxytest.SendRequest()).Code)
		a.Conns()[0].Close()
		synctest.Wait()
		p.Quiet()
		require.Equal(t, codec.ResSuccess, p.Call(proxytest.SendRequest()).Code)
	})
}

func TestHalfDeadBrokerIsNotLost(t *testing.T) {
	lossTest(t, func(t *testing.T, s *proxytest.Sim, a *proxytest.FakeBroker) {
		a.Answers(func(*codec.Command) *codec.Command { return nil })
		c := s.Dial(s.Port(proxytest.BrokerA))
		c.Send(proxytest.ConsumerHeartbeat())
		p := s.Dial(s.Port(proxytest.BrokerA))
		p.Send(proxytest.SendRequest())
		time.Sleep(time.Minute)
		c.Quiet()
		p.Quiet()
		require.False(t, s.Refuses(s.Port(proxytest.BrokerA)))
		require.False(t, s.Cluster().Snapshot().Broker(proxytest.BrokerA).Away())
	})
}

func TestDialThatTakesTooLongIsLookedIntoFirst(t *testing.T) {
	lossTest(t, func(t *testing.T, s *proxytest.Sim, a *proxytest.FakeBroker) {
		s.Network.Fail(proxytest.AddressA, nil)
		c := s.Dial(s.Port(proxytest.BrokerA))
		require.Equal(t, codec.ResServiceNotAvailable, c.Call(proxytest.SendRequest()).Code)
		broker := s.Cluster().Snapshot().Broker(proxytest.BrokerA)
		synctest.Wait()
		require.False(t, broker.Away(), "one dial that took too long may be the broker's load")
		time.Sleep(3 * time.Second)
		require.True(t, broker.Away(), "the prober had the same trouble")
	})
}

func TestWantOfDescriptorsIsNotTheBrokersFault(t *testing.T) {
	lossTest(t, func(t *testing.T, s *proxytest.Sim, a *proxytest.FakeBroker) {
		s.Network.Fail(proxytest.AddressA, syscall.EMFILE)
		c := s.Dial(s.Port(proxytest.BrokerA))
		require.Equal(t, codec.ResServiceNotAvailable, c.Call(proxytest.SendRequest()).Code)
		time.Sleep(10 * time.Second)
		require.False(t, s.Cluster().Snapshot().Broker(proxytest.BrokerA).Away())
		require.False(t, s.Refuses(s.Port(proxytest.BrokerA)))
	})
}

func TestProberSurvivesItsOwnCrash(t *testing.T) {
	lossTest(t, func(t *testing.T, s *proxytest.Sim, a *proxytest.FakeBroker) {
		s.Consumer()
		a.Crash()
		s.Env.Fault("proxy/cluster/main/broker/broker-a:0", "as asked for")
		synctest.Wait()
		require.Len(t, s.Log.Lines("as asked for"), 1)
		s.Log.Forget()
		a.Restart()
		time.Sleep(2 * time.Second)
		require.False(t, s.Refuses(s.Port(proxytest.BrokerA)))
	})
}

// cut answers with the first half of a frame.
func cutAnswer(c *codec.Command) []byte {
	a := c.Answer(codec.ResSuccess, "")
	a.Body = []byte(strings.Repeat("x", 1000))
	return a.Append(nil, codec.JSON)[:500]
}

func TestAnswerCutByTheLossNeverLooksWhole(t *testing.T) {
	lossTest(t, func(t *testing.T, s *proxytest.Sim, a *proxytest.FakeBroker) {
		a.Answers(proxytest.HeartbeatsOnly)
		c := s.Consumer()
		c.Send(proxytest.PullRequest(0))
		c.Send(proxytest.PullRequest(0))
		asked := a.Requests()
		cut := cutAnswer(asked[len(asked)-2])
		a.Conns()[0].Write(cut)
		a.Crash()
		got, err := io.ReadAll(c.R)
		require.NoError(t, err)
		require.Equal(t, cut, got, "half an answer and then the end, not an answer of ours in its middle")
	})
}

func TestRequestCutByItsClientNeverLooksWhole(t *testing.T) {
	lossTest(t, func(t *testing.T, s *proxytest.Sim, a *proxytest.FakeBroker) {
		c := s.Consumer()
		a.Requests()
		frame := (&codec.Command{Code: codec.ReqSendMessageV2, Opaque: 5, Body: make([]byte, 1000)}).Append(nil, codec.JSON)
		c.Write(frame[:600])
		synctest.Wait()
		c.Close()
		require.Empty(t, a.Requests(), "half a request is none")
	})
}

func TestRequestCutByTheLossIsNotContinuedOnTheNextUpstream(t *testing.T) {
	lossTest(t, func(t *testing.T, s *proxytest.Sim, a *proxytest.FakeBroker) {
		c := s.Consumer()
		frame := (&codec.Command{Code: codec.ReqSendMessageV2, Opaque: 5, Body: make([]byte, 1000)}).Append(nil, codec.JSON)
		c.Write(frame[:600])
		synctest.Wait()
		a.Crash()
		require.Equal(t, codec.ResServiceNotAvailable, c.Next().Code)
		a.Restart()
		time.Sleep(2 * time.Second)
		a.Requests()
		c.Write(frame[600:])
		require.Equal(t, codec.ResSuccess, c.Call(proxytest.PullRequest(0)).Code)
		got := a.Requests()
		require.Len(t, got, 1)
		require.Equal(t, codec.ReqPullMessage, got[0].Code)
	})
}
