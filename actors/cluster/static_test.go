package cluster_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

func writtenDown(name, address string, topics ...string) route.StaticBroker {
	return route.StaticBroker{Broker: route.Broker{BrokerID: route.BrokerID{Name: name}, Cluster: "c", Address: address}, ReadQueues: 4, WriteQueues: 4, Perm: 6, Topics: topics}
}

// twoWrittenDown is a proxy before a cluster without name servers.
func twoWrittenDown(t *testing.T, test func(t *testing.T, s *proxytest.Sim, a, b *proxytest.FakeBroker)) {
	table := &route.Static{Brokers: []route.StaticBroker{writtenDown("broker-a", proxytest.AddressA, route.AnyTopic), writtenDown("broker-b", proxytest.AddressB, "orders")}}
	o := proxytest.Options{NameServers: []string{}, Cluster: func(c *actors.Cluster) { c.ServeStatic(table) }}
	proxytest.InVirtualTime(t, o, func(t *testing.T, s *proxytest.Sim) {
		a, b := s.FakeBroker(proxytest.AddressA), s.FakeBroker(proxytest.AddressB)
		s.Start()
		test(t, s, a, b)
	})
}

// brokersTold are the names of the brokers that a client is told of.
func brokersTold(t *testing.T, s *proxytest.Sim, topic string) (names []string) {
	t.Helper()
	c := s.Dial("10.0.0.1:9876")
	defer c.Close()
	answer := c.Call(proxytest.RouteRequest(topic))
	if answer.Code == codec.ResTopicNotExist {
		return nil
	}
	require.Equal(t, codec.ResSuccess, answer.Code, answer.Remark)
	brokers, err := rewrite.TopicRouteBrokers(answer.Body)
	require.NoError(t, err)
	for _, b := range brokers {
		names = append(names, b.Name)
	}
	return names
}

func TestStaticClusterLeadsClientsToItsBrokers(t *testing.T) {
	twoWrittenDown(t, func(t *testing.T, s *proxytest.Sim, a, _ *proxytest.FakeBroker) {
		require.Equal(t, []string{"broker-a", "broker-b"}, brokersTold(t, s, "orders"))
		require.Equal(t, []string{"broker-a"}, brokersTold(t, s, "news"))
		a.Answers(proxytest.Echo)
		c := s.Dial("10.0.0.1:20000")
		require.Equal(t, "hello", string(c.Call(&codec.Command{Code: codec.ReqSendMessage, Body: []byte("hello")}).Body))
	})
}

// Nobody but the proxy finds out that a broker is away when no client uses it.
func TestStaticBrokerThatIsAwayIsLeftOutWithinRefresh(t *testing.T) {
	twoWrittenDown(t, func(t *testing.T, s *proxytest.Sim, a, b *proxytest.FakeBroker) {
		a.Crash()
		time.Sleep(31 * time.Second)
		synctest.Wait()
		require.Equal(t, []string{"broker-b"}, brokersTold(t, s, "orders"))
		b.Crash()
		time.Sleep(31 * time.Second)
		require.Equal(t, []string{"broker-a", "broker-b"}, brokersTold(t, s, "orders"), "17 would have producers create the topic")
		a.Restart()
		time.Sleep(5 * time.Second)
		require.Equal(t, []string{"broker-a"}, brokersTold(t, s, "orders"))
	})
}

// A reload moves a cluster to another table, and from a table to name servers and back.
func TestSourceOfAClusterChanges(t *testing.T) {
	twoWrittenDown(t, func(t *testing.T, s *proxytest.Sim, _, _ *proxytest.FakeBroker) {
		s.FakeBroker(proxytest.NameServerAddress(0)).Answers(proxytest.KnowsBrokers(map[string]string{"broker-b": proxytest.AddressB}))
		turnTo := func(m *messages.Source) {
			m.Refresh = time.Minute
			s.Tell(actors.Root+"/cluster/main", m)
			time.Sleep(2 * time.Second) // what was told a moment ago is served for one
		}
		turnTo(&messages.Source{Static: &route.Static{Brokers: []route.StaticBroker{writtenDown("broker-a", proxytest.AddressA, "bills")}}})
		require.Nil(t, brokersTold(t, s, "orders"))
		require.Equal(t, []string{"broker-a"}, brokersTold(t, s, "bills"))
		turnTo(&messages.Source{NameServers: proxytest.NameServerAddresses(1)})
		require.Equal(t, []string{"broker-b"}, brokersTold(t, s, "topic"))
		require.Nil(t, brokersTold(t, s, "bills"))
		turnTo(&messages.Source{Static: &route.Static{Brokers: []route.StaticBroker{writtenDown("broker-a", proxytest.AddressA, route.AnyTopic)}}})
		require.Equal(t, []string{"broker-a"}, brokersTold(t, s, "bills"))
	})
}

// Clients may make up as many topics as they like.
func TestMadeUpTopicsOfAStaticClusterAreForgotten(t *testing.T) {
	twoWrittenDown(t, func(t *testing.T, s *proxytest.Sim, _, _ *proxytest.FakeBroker) {
		c := s.Dial("10.0.0.1:9876")
		before := proxytest.HeapInUse()
		for range 20 {
			for i := range 100 {
				c.Call(proxytest.RouteRequest(fmt.Sprint("made-up-", time.Now().UnixNano(), "-", i)))
			}
			time.Sleep(10 * time.Second)
		}
		require.Less(t, proxytest.HeapInUse()-before, int64(1<<20))
	})
}
