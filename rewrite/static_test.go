package rewrite_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

var written = &route.Static{Brokers: []route.StaticBroker{
	{Broker: route.Broker{BrokerID: route.BrokerID{Name: "broker-a"}, Cluster: "DefaultCluster", Address: "10.0.0.1:10911"}, ReadQueues: 8, WriteQueues: 8, Perm: 6, Topics: []string{"*"}},
	{Broker: route.Broker{BrokerID: route.BrokerID{Name: "broker-a", ID: 1}, Cluster: "DefaultCluster", Address: "10.0.0.2:10911"}, ReadQueues: 4, WriteQueues: 4, Perm: 4, Topics: []string{"*"}},
	{Broker: route.Broker{BrokerID: route.BrokerID{Name: "broker-b"}, Cluster: "Other", Address: "10.0.0.3:10911"}, ReadQueues: 2, WriteQueues: 3, Perm: 2, Topics: []string{"orders", "bills"}},
}}

// The bodies are those of a name server of 5.5.0, to the byte (PROTOCOL.md F.2).
func TestBodiesOfAStaticCluster(t *testing.T) {
	require.Equal(t, `{"brokerDatas":[{"brokerAddrs":{"0":"10.0.0.1:10911","1":"10.0.0.2:10911"},"brokerName":"broker-a","cluster":"DefaultCluster","enableActingMaster":false}],`+
		`"filterServerTable":{},"queueDatas":[{"brokerName":"broker-a","perm":6,"readQueueNums":8,"topicSysFlag":0,"writeQueueNums":8}]}`,
		string(rewrite.StaticTopicRoute(written.Having("news"), "news")))
	require.Equal(t, `{"brokerAddrTable":{"broker-a":{"brokerAddrs":{"0":"10.0.0.1:10911","1":"10.0.0.2:10911"},"brokerName":"broker-a","cluster":"DefaultCluster","enableActingMaster":false},`+
		`"broker-b":{"brokerAddrs":{"0":"10.0.0.3:10911"},"brokerName":"broker-b","cluster":"Other","enableActingMaster":false}},`+
		`"clusterAddrTable":{"DefaultCluster":["broker-a"],"Other":["broker-b"]}}`, string(rewrite.StaticClusterInfo(written)))
	require.Equal(t, `{"topicList":["bills","orders"]}`, string(rewrite.TopicList(written.Topics())))
	require.Equal(t, `{"topicList":[]}`, string(rewrite.TopicList(written.Of("DefaultCluster").Topics())))
}

// What is made is read by the same code as what name servers send.
func TestBodiesOfAStaticClusterAreRead(t *testing.T) {
	brokers, err := rewrite.TopicRouteBrokers(rewrite.StaticTopicRoute(written, "orders"))
	require.NoError(t, err)
	require.ElementsMatch(t, written.All(), brokers)
	brokers, err = rewrite.ClusterBrokers(rewrite.StaticClusterInfo(written))
	require.NoError(t, err)
	require.ElementsMatch(t, written.All(), brokers)
}
