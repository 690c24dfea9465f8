package cluster_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// actingMaster answers as a 5.x name server with supportActingMaster: while the master of broker-a is away, routes of topics
// name the slave in its place, so that clients read from it, and the list of brokers shows the slave alone, under its own id
// (RouteInfoManager.java#pickupTopicRouteData, #getAllClusterInfo).
func actingMaster(master, slave string) proxytest.Answerer {
	return func(c *codec.Command) *codec.Command {
		inRoute, perm := fmt.Sprintf(`"0":%q,"1":%q`, master, slave), 6
		inCluster := inRoute
		if master == "" {
			inRoute, inCluster, perm = fmt.Sprintf(`"0":%q`, slave), fmt.Sprintf(`"1":%q`, slave), 4
		}
		const broker = `"brokerName":"broker-a","cluster":"main","enableActingMaster":true`
		a := c.Answer(codec.ResSuccess, "")
		if c.Code == codec.ReqGetBrokerClusterInfo {
			a.Body = fmt.Appendf(nil, `{"brokerAddrTable":{"broker-a":{"brokerAddrs":{%s},%s}},"clusterAddrTable":{"main":["broker-a"]}}`, inCluster, broker)
		} else {
			a.Body = fmt.Appendf(nil, `{"brokerDatas":[{"brokerAddrs":{%s},%s}],"filterServerTable":{},"queueDatas":[{"brokerName":"broker-a","perm":%d,`+
				`"readQueueNums":4,"topicSysFlag":0,"writeQueueNums":4}]}`, inRoute, broker, perm)
		}
		return a
	}
}

// While a master is away, its port leads to the slave that acts in its place, which serves reads and refuses sends; when it is
// back, also on connections that were there all the time, its port leads to it again, although the slave lives on.
func TestPortOfAMasterLeadsToItsSlaveWhileItIsAway(t *testing.T) {
	const slaveAddress = "10.0.1.9:10911"
	o := proxytest.Options{NameServers: proxytest.NameServerAddresses(1)}
	proxytest.InVirtualTime(t, o, func(t *testing.T, s *proxytest.Sim) {
		names := s.StartNameServer(0, nil)
		names.Answers(actingMaster(proxytest.AddressA, slaveAddress))
		master, slave := s.StartBroker(proxytest.AddressA), s.FakeBroker(slaveAddress)
		slave.Answers(func(c *codec.Command) *codec.Command {
			if c.Code == codec.ReqPullMessage {
				return proxytest.Echo(c)
			}
			return c.Answer(14, "the broker is a slave")
		})
		s.Start()
		port := s.Port(proxytest.BrokerA)
		slavePort := s.Port(route.BrokerID{Name: "broker-a", ID: 1})
		kept := s.Dial(port)
		require.Equal(t, codec.ResSuccess, kept.Call(proxytest.SendRequest()).Code)

		master.Crash()
		names.Answers(actingMaster("", slaveAddress))
		time.Sleep(2 * time.Second)
		told := string(s.Dial(s.NameServer()).Call(proxytest.RouteRequest("topic1")).Body)
		require.Contains(t, told, fmt.Sprintf(`"0":%q`, port), "it is readable at the port that clients know")
		require.NotContains(t, told, `"1":`)
		time.Sleep(5 * time.Second)
		require.Equal(t, "pull", string(kept.Call(&codec.Command{Code: codec.ReqPullMessage, Body: []byte("pull")}).Body))
		require.Equal(t, int32(14), kept.Call(proxytest.SendRequest()).Code)
		for range 12 { // looks at the cluster, which lists no master, do not take its port away
			look()
			require.Equal(t, "pull", string(kept.Call(&codec.Command{Code: codec.ReqPullMessage, Body: []byte("pull")}).Body))
		}
		require.Equal(t, port, s.Port(proxytest.BrokerA))

		master.Restart()
		names.Answers(actingMaster(proxytest.AddressA, slaveAddress))
		told = string(s.Dial(s.NameServer()).Call(proxytest.RouteRequest("topic1")).Body)
		require.True(t, strings.Contains(told, fmt.Sprintf(`"0":%q`, port)) && strings.Contains(told, fmt.Sprintf(`"1":%q`, slavePort)), told)
		time.Sleep(5 * time.Second)
		require.Equal(t, codec.ResSuccess, kept.Call(proxytest.SendRequest()).Code, "without another connection")
		require.True(t, kept.Open())
		require.Equal(t, int32(14), s.Dial(slavePort).Call(proxytest.SendRequest()).Code)
	})
}
