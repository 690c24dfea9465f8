package route_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

func staticBroker(name string, id int64, topics ...string) route.StaticBroker {
	return route.StaticBroker{Broker: route.Broker{BrokerID: route.BrokerID{Name: name, ID: id}}, ReadQueues: 8, WriteQueues: 4, Perm: 6, Topics: topics}
}

func names(s *route.Static) (all []string) {
	for _, b := range s.Brokers {
		all = append(all, b.BrokerID.String())
	}
	return all
}

func TestTopicsOfAStaticCluster(t *testing.T) {
	s := &route.Static{Brokers: []route.StaticBroker{staticBroker("a", 0, "orders"), staticBroker("b", 0, route.AnyTopic), staticBroker("c", 0, "bills", "orders")}}
	require.Equal(t, []string{"a/0", "b/0", "c/0"}, names(s.Having("orders")))
	require.Equal(t, []string{"b/0"}, names(s.Having("news")))
	require.Equal(t, []string{"bills", "orders"}, s.Topics())
	for _, topic := range []string{"%RETRY%g", "%DLQ%g", "%RETRY%g_orders", "RMQ_SYS_TRACE_TOPIC", "rmq_sys_REVIVE_LOG_c"} {
		require.Len(t, s.Having(topic).Brokers, 3, "brokers make %s themselves", topic)
		read, write := s.Brokers[0].Queues(topic)
		require.Equal(t, []int{1, 1}, []int{read, write}, topic)
	}
	read, write := s.Brokers[0].Queues("orders")
	require.Equal(t, []int{8, 4}, []int{read, write})
}

// Brokers that are away are left out, but never all of them: producers would create the topic.
func TestBrokersThatAreAwayAreLeftOutOfAStaticCluster(t *testing.T) {
	s := &route.Static{Brokers: []route.StaticBroker{staticBroker("a", 0, "*"), staticBroker("a", 1, "*"), staticBroker("b", 0, "*")}}
	away := map[string]bool{"a/0": true}
	without := func() *route.Static { return s.Without(func(id route.BrokerID) bool { return away[id.String()] }) }
	require.Equal(t, []string{"a/1", "b/0"}, names(without()))
	away["a/1"], away["b/0"] = true, true
	require.Equal(t, []string{"a/0", "a/1", "b/0"}, names(without()))
}

// A cluster without name servers answers what its tables say, and has nobody to pass the rest on to.
func TestNameServerCodesOfAStaticCluster(t *testing.T) {
	table := &route.Table{Static: &route.Static{}}
	for code, want := range map[int32]route.Action{
		codec.ReqGetRouteInfoByTopic: route.LocalTopicRoute, codec.ReqGetBrokerClusterInfo: route.LocalClusterInfo,
		codec.ReqGetAllTopicListFromNameServer: route.LocalTopicList, codec.ReqGetTopicsByCluster: route.LocalClusterTopics,
	} {
		require.Equal(t, want, route.Decide(table, route.Arrival{NameServer: true}, &codec.Header{Code: code}, nil).Action, codec.RequestCodeName(code))
	}
	for _, code := range []int32{100, 101, 102, 205, 216, 304, 318, 319, 327, 77777} {
		v := route.Decide(table, route.Arrival{NameServer: true}, &codec.Header{Code: code}, nil)
		require.Equal(t, []any{route.Refuse, codec.ResRequestCodeNotSupported}, []any{v.Action, v.Code}, "%d", code)
		require.Contains(t, v.Remark, "[[cluster.broker]]")
	}
	require.Equal(t, codec.ResNoPermission, route.Decide(table, route.Arrival{NameServer: true}, &codec.Header{Code: codec.ReqRegisterBroker}, nil).Code)
	require.Equal(t, route.Relay, route.Decide(table, route.Arrival{Broker: route.BrokerID{Name: "a"}}, &codec.Header{Code: 77777}, nil).Action)
}
