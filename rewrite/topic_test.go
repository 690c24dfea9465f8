package rewrite_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

func TestTopic(t *testing.T) {
	f := func(body string, want ...route.TopicBroker) {
		t.Helper()
		got, err := rewrite.Topic([]byte(body))
		require.NoError(t, err)
		require.Equal(t, route.Topic{Brokers: want}, got)
	}
	const two = `"brokerDatas":[{"brokerName":"b","brokerAddrs":{0:"h:1"}},{"brokerName":"a","brokerAddrs":{"0":"h:2"}}]`
	f(`{`+two+`,"queueDatas":[{"brokerName":"a","perm":6,"readQueueNums":4,"writeQueueNums":4},{"brokerName":"b","perm":4,"writeQueueNums":4}]}`,
		route.TopicBroker{Name: "a", Writable: true}, route.TopicBroker{Name: "b"})
	f(`{"queueDatas":[{"perm":"2","writeQueueNums":1,"brokerName":"b"},{"brokerName":"a","perm":6,"writeQueueNums":0}],`+two+`}`,
		route.TopicBroker{Name: "a"}, route.TopicBroker{Name: "b", Writable: true})
	f(`{"queueDatas":null,"brokerDatas":null,"topicQueueMappingByBroker":{}}`)
	f(`{}`)

	for _, bad := range []string{``, `{`, `[]`, `{"brokerDatas":[5]}`, `{"queueDatas":{}}`} {
		_, err := rewrite.Topic([]byte(bad))
		require.Error(t, err, bad)
	}
}

func TestTopicWithStaticQueues(t *testing.T) {
	got, err := rewrite.Topic([]byte(`{"topicQueueMappingByBroker":{
		"a":{"bname":"a","currIdMap":{"0":0,"1":1},"epoch":7,"scope":"__global__","totalQueues":3},
		"b":{"bname":"b","currIdMap":{1:0,2:1},"epoch":9,"scope":"__global__","totalQueues":3},
		"c":{"bname":"c","currIdMap":{"0":0},"epoch":"1","scope":"other"},"d":null,"e":{"bname":5,"scope":null,"currIdMap":null}}}`))
	require.NoError(t, err)
	queue := func(broker string, id int32) route.LogicalQueue { return route.LogicalQueue{Broker: broker, Queue: id} }
	require.Equal(t, map[route.LogicalQueue]string{
		queue("__syslo__global__", 0): "a", queue("__syslo__global__", 1): "b", queue("__syslo__global__", 2): "b", queue("__syslo__other", 0): "c",
	}, got.Logical)
}
