package upstream_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// movedTest is a proxy with broker-a, and a way to have another process take its place while the old one lives.
func movedTest(t *testing.T, test func(t *testing.T, s *proxytest.Sim, before, after *proxytest.FakeBroker, move func())) {
	t.Helper()
	proxytest.InVirtualTime(t, proxytest.Options{Listener: func(l *actors.Listener) { l.Ports.VIP = true }}, func(t *testing.T, s *proxytest.Sim) {
		ns := s.StartNameServer(0, proxytest.OnlyA)
		before, after := s.StartBroker(proxytest.AddressA), s.StartBroker(proxytest.AddressB)
		s.Start()
		move := func() {
			ns.Answers(proxytest.KnowsBrokers(map[string]string{"broker-a": proxytest.AddressB}))
			require.Eventually(t, func() bool { return s.Cluster().Snapshot().Broker(proxytest.BrokerA).Address() == proxytest.AddressB }, time.Minute, 100*time.Millisecond)
			synctest.Wait()
		}
		test(t, s, before, after, move)
	})
}

func TestIdleUpstreamFollowsItsBrokerAtOnce(t *testing.T) {
	movedTest(t, func(t *testing.T, s *proxytest.Sim, before, after *proxytest.FakeBroker, move func()) {
		main, vipClient := s.Dial(s.Port(proxytest.BrokerA)), s.Dial(proxytest.VIP(s.Port(proxytest.BrokerA)))
		old := s.StartBroker(proxytest.VIP(proxytest.AddressA))
		now := s.StartBroker(proxytest.VIP(proxytest.AddressB))
		require.Equal(t, codec.ResSuccess, main.Call(proxytest.SendRequest()).Code)
		require.Equal(t, codec.ResSuccess, vipClient.Call(proxytest.SendRequest()).Code)
		require.Len(t, before.Conns(), 1)
		require.Len(t, old.Conns(), 1)
		move()
		require.Empty(t, before.Conns(), "closed at once")
		require.Empty(t, old.Conns(), "that of the VIP port, too")
		require.Equal(t, codec.ResSuccess, main.Call(proxytest.SendRequest()).Code)
		require.Equal(t, codec.ResSuccess, vipClient.Call(proxytest.SendRequest()).Code)
		require.Len(t, after.Requests(), 1)
		require.Len(t, now.Requests(), 1)
	})
}

// A send to the old process is answered by it, and what comes after that goes to the new one.
func TestUpstreamFollowsItsBrokerWhenNothingIsInFlight(t *testing.T) {
	movedTest(t, func(t *testing.T, s *proxytest.Sim, before, after *proxytest.FakeBroker, move func()) {
		before.Answers(func(c *codec.Command) *codec.Command {
			time.Sleep(31 * time.Second)
			return c.Answer(codec.ResFlushDiskTimeout, "")
		})
		c := s.Dial(s.Port(proxytest.BrokerA))
		c.Send(proxytest.SendRequest())
		move()
		require.Len(t, before.Conns(), 1)
		require.Equal(t, codec.ResFlushDiskTimeout, c.Next().Code)
		synctest.Wait()
		require.Empty(t, before.Conns())
		require.Equal(t, codec.ResSuccess, c.Call(proxytest.SendRequest()).Code)
		require.Len(t, after.Requests(), 1)
	})
}

func TestUpstreamFollowsItsBrokerAfterThreeSecondsAtTheLatest(t *testing.T) {
	movedTest(t, func(t *testing.T, s *proxytest.Sim, before, after *proxytest.FakeBroker, move func()) {
		before.Answers(func(*codec.Command) *codec.Command { return nil })
		c := s.Dial(s.Port(proxytest.BrokerA))
		c.Send(proxytest.SendRequest())
		move()
		time.Sleep(2800 * time.Millisecond)
		synctest.Wait()
		require.Len(t, before.Conns(), 1)
		require.Equal(t, codec.ResServiceNotAvailable, c.Next().Code)
		synctest.Wait()
		require.Empty(t, before.Conns())
		require.Equal(t, codec.ResSuccess, c.Call(proxytest.SendRequest()).Code)
		require.Len(t, after.Requests(), 1)
	})
}

// A consumer always has a poll that the broker holds. It is registered at the new process before it polls there.
func TestConsumerFollowsItsBrokerAtOnceAndIsRegisteredThere(t *testing.T) {
	for _, poll := range []int32{codec.ReqPullMessage, codec.ReqLitePullMessage, codec.ReqPopMessage, codec.ReqPopMessageEnvoy, codec.ReqNotification} {
		movedTest(t, func(t *testing.T, s *proxytest.Sim, before, after *proxytest.FakeBroker, move func()) {
			before.Answers(proxytest.HeartbeatsOnly)
			c := s.Consumer()
			c.Send(&codec.Command{Code: poll})
			move()
			require.Empty(t, before.Conns())
			require.Equal(t, codec.ResServiceNotAvailable, c.Next().Code, "it polls again")
			require.Equal(t, codec.ResSuccess, c.Call(&codec.Command{Code: poll}).Code)
			got := after.Requests()
			require.Len(t, got, 2)
			require.Equal(t, codec.ReqHeartBeat, got[0].Code)
			require.Equal(t, poll, got[1].Code)
		})
	}
}

// A frame that is on its way to or from the old process is not torn before its time.
func TestUpstreamDoesNotFollowItsBrokerInTheMiddleOfAFrame(t *testing.T) {
	movedTest(t, func(t *testing.T, s *proxytest.Sim, before, after *proxytest.FakeBroker, move func()) {
		c := s.Dial(s.Port(proxytest.BrokerA))
		oneway := &codec.Command{Code: codec.ReqSendMessageV2, Flag: codec.FlagOneway, Opaque: 5, Body: make([]byte, 1000)}
		frame := oneway.Append(nil, codec.JSON)
		c.Write(frame[:600])
		synctest.Wait()
		move()
		time.Sleep(time.Second)
		c.Write(frame[600:])
		require.Len(t, before.Requests(), 1)
		require.Empty(t, before.Conns(), "and then it goes")
		require.Equal(t, codec.ResSuccess, c.Call(proxytest.SendRequest()).Code)
		require.Len(t, after.Requests(), 1)
	})
}

// A broker that is away and comes back at another address is found there at once, not by the old address's probes.
func TestLostBrokerIsFoundAtItsNewAddress(t *testing.T) {
	movedTest(t, func(t *testing.T, s *proxytest.Sim, before, after *proxytest.FakeBroker, move func()) {
		c := s.Consumer()
		before.Crash()
		require.Equal(t, codec.ResServiceNotAvailable, c.Call(proxytest.PullRequest(0)).Code)
		require.True(t, s.Refuses(s.Port(proxytest.BrokerA)))
		move()
		require.False(t, s.Refuses(s.Port(proxytest.BrokerA)))
		require.Equal(t, codec.ResSuccess, c.Call(proxytest.PullRequest(0)).Code)
		require.Equal(t, codec.ReqHeartBeat, after.Requests()[0].Code)
	})
}
