package listener_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// rangeTest is a proxy with broker-a, whose broker ports are 20000 to 20003, and other processes at some of them.
func rangeTest(t *testing.T, taken []int, test func(t *testing.T, s *proxytest.Sim, others map[int]transport.Listener)) {
	t.Helper()
	ports := func(l *actors.Listener) { l.Ports.Listen = route.PortRange{First: 20000, Last: 20003} }
	proxytest.InVirtualTime(t, proxytest.Options{Listener: ports}, func(t *testing.T, s *proxytest.Sim) {
		s.StartNameServer(0, proxytest.OnlyA)
		s.StartBroker(proxytest.AddressA)
		others := map[int]transport.Listener{}
		for _, port := range taken {
			other, err := s.Network.Listen(fmt.Sprintf("10.0.0.1:%d", port))
			require.NoError(t, err)
			others[port] = other
		}
		s.Start()
		require.True(t, s.Listener().Open())
		test(t, s, others)
	})
}

// A broker whose clients do not know its port yet gets another one when that is taken.
func TestBrokerGetsAFreePortOfTheRange(t *testing.T) {
	rangeTest(t, []int{20000, 20001}, func(t *testing.T, s *proxytest.Sim, _ map[int]transport.Listener) {
		require.Equal(t, "10.0.0.1:20002", s.Port(proxytest.BrokerA))
		require.Zero(t, s.Listener().LeftOut())
		require.True(t, s.Listener().Offers())
	})
}

func TestBrokerThatIsLeftOutIsTriedWithEachRefresh(t *testing.T) {
	rangeTest(t, []int{20000, 20001, 20002, 20003}, func(t *testing.T, s *proxytest.Sim, others map[int]transport.Listener) {
		require.Equal(t, 1, s.Listener().LeftOut())
		require.False(t, s.Listener().Offers(), "a proxy that can lead nobody anywhere is not ready")
		others[20003].Close()
		time.Sleep(31 * time.Second)
		require.Equal(t, "10.0.0.1:20003", s.Port(proxytest.BrokerA))
		require.Zero(t, s.Listener().LeftOut())
		require.True(t, s.Listener().Offers())
		require.Len(t, s.Log.Lines("broker left out of routes"), 1)
	})
}

// A broker that was decommissioned is forgotten; its port stays its own.
func TestBrokerThatIsGoneIsForgotten(t *testing.T) {
	for name, reload := range map[string]bool{"after five minutes": false, "at once on a reload": true} {
		t.Run(name, func(t *testing.T) {
			proxytest.InVirtualTime(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
				ns := s.StartNameServer(0, proxytest.AAndB)
				a := s.StartBroker(proxytest.AddressA)
				s.StartBroker(proxytest.AddressB)
				s.Start()
				port := s.Port(proxytest.BrokerA)
				a.Crash()
				time.Sleep(10 * time.Minute)
				require.NotNil(t, s.Cluster().Snapshot().Broker(proxytest.BrokerA), "name servers list it")

				ns.Answers(proxytest.KnowsBrokers(map[string]string{"broker-b": proxytest.AddressB}))
				if reload {
					time.Sleep(31 * time.Second)
					s.Tell(actors.Root, &messages.Reloaded{})
					synctest.Wait()
				} else {
					time.Sleep(4 * time.Minute)
					require.True(t, s.Cluster().Snapshot().Broker(proxytest.BrokerA).Away(), "somebody has looked, though no client has")
					time.Sleep(2 * time.Minute)
				}
				require.Nil(t, s.Cluster().Snapshot().Broker(proxytest.BrokerA))
				_, ok := s.Listener().PortOf(proxytest.BrokerA)
				require.False(t, ok)
				require.False(t, s.Network.Listens(port), "its port is closed")
				require.Empty(t, s.Env.Actors("proxy/cluster/main/broker/broker-a"))
				dials := s.Network.Dials(proxytest.AddressA)
				time.Sleep(time.Minute)
				require.Equal(t, dials, s.Network.Dials(proxytest.AddressA), "nobody looks for it any longer")

				a.Restart()
				ns.Answers(proxytest.KnowsBrokers(proxytest.AAndB))
				time.Sleep(31 * time.Second)
				require.Equal(t, port, s.Port(proxytest.BrokerA))
			})
		})
	}
}

// A broker that name servers do not list, as after their restart, and that lives, is kept.
func TestBrokerThatLivesIsNotForgotten(t *testing.T) {
	proxytest.InVirtualTime(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		ns := s.StartNameServer(0, proxytest.OnlyA)
		s.StartBroker(proxytest.AddressA)
		s.Start()
		ns.Answers(proxytest.KnowsBrokers(map[string]string{}))
		time.Sleep(time.Hour)
		s.Tell(actors.Root, &messages.Reloaded{})
		synctest.Wait()
		require.NotNil(t, s.Cluster().Snapshot().Broker(proxytest.BrokerA))
		require.False(t, s.Refuses(s.Port(proxytest.BrokerA)))
	})
}
