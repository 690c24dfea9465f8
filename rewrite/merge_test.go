package rewrite_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
)

// Read-only brokers keep everything but the permission to write.
func TestAReadOnlyBrokerHasNoQueueForProducers(t *testing.T) {
	const body = `{"brokerDatas":[{"brokerAddrs":{0:"h:1"},"brokerName":"a"},{"brokerAddrs":{0:"h:2"},"brokerName":"b"}],"orderTopicConf":"a:4;b:8",` +
		`"queueDatas":[{"brokerName":"a","perm":6,"readQueueNums":8,"writeQueueNums":8},{"brokerName":"b","perm":6},{"brokerName":"b","perm":2},{"brokerName":"b","perm":4}]}`
	f := func(d rewrite.Dialect, places, want string) {
		t.Helper()
		got, err := rewrite.TopicRoute([]byte(body), d, at(places))
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	f(rewrite.Unquoted, "a/0=h:1 b/0=h:2", body)
	f(rewrite.Unquoted, "a/0=h:1 b/0=p:9(r)", `{"brokerDatas":[{"brokerAddrs":{0:"h:1"},"brokerName":"a"},{"brokerAddrs":{0:"p:9"},"brokerName":"b"}],"orderTopicConf":"a:4",`+
		`"queueDatas":[{"brokerName":"a","perm":6,"readQueueNums":8,"writeQueueNums":8},{"brokerName":"b","perm":4},{"brokerName":"b","perm":0},{"brokerName":"b","perm":4}]}`)
	f(rewrite.Quoted, "a/0=h:1(r)", `{"brokerDatas":[{"brokerAddrs":{"0":"h:1"},"brokerName":"a"}],"orderTopicConf":"",`+
		`"queueDatas":[{"brokerName":"a","perm":4,"readQueueNums":8,"writeQueueNums":8}]}`)
}

func TestRoutesOfTwoClustersBecomeOne(t *testing.T) {
	b := strings.NewReplacer("broker-a", "broker-b", "10.0.0.", "10.1.0.", `"perm":6`, `"perm":4`)
	f := func(want string, bodies ...string) {
		t.Helper()
		list := [][]byte{}
		for _, body := range bodies {
			list = append(list, []byte(body))
		}
		got, err := rewrite.Merge(list...)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	f(`{"brokerDatas":[{"brokerAddrs":{0:"10.0.0.1:10911",1:"10.0.0.2:10911"},"brokerName":"broker-a","cluster":"DefaultCluster","enableActingMaster":false},`+
		`{"brokerAddrs":{0:"10.1.0.1:10911",1:"10.1.0.2:10911"},"brokerName":"broker-b","cluster":"DefaultCluster","enableActingMaster":false}],`+
		`"filterServerTable":{},"orderTopicConf":"broker-a:8;broker-b:8","queueDatas":[{"brokerName":"broker-a","perm":6,"readQueueNums":8,"topicSysFlag":0,"writeQueueNums":8},`+
		`{"brokerName":"broker-b","perm":4,"readQueueNums":8,"topicSysFlag":0,"writeQueueNums":8}]}`, routeOrder, b.Replace(routeOrder))
	f(`{"brokerAddrTable":{"broker-a":{"brokerAddrs":{0:"10.0.0.1:10911",1:"10.0.0.2:10911"},"brokerName":"broker-a","cluster":"DefaultCluster","enableActingMaster":false},`+
		`"broker-b":{"brokerAddrs":{0:"10.1.0.1:10911",1:"10.1.0.2:10911"},"brokerName":"broker-b","cluster":"DefaultCluster","enableActingMaster":false}},`+
		`"clusterAddrTable":{"DefaultCluster":["broker-a","broker-b"]}}`, clusterBody, b.Replace(clusterBody))
	f(`{"topicQueueMappingByBroker":{"a":{"currIdMap":{0:0}},"b":{"currIdMap":{1:1}}},"queueDatas":[{"brokerName":"b"}],"new":1}`,
		`{"topicQueueMappingByBroker":{"a":{"currIdMap":{0:0}}},"queueDatas":null}`, `{"topicQueueMappingByBroker":{"b":{"currIdMap":{1:1}}},"queueDatas":[{"brokerName":"b"}],"new":1}`)
	f(`{"a":[1],"orderTopicConf":"x:1"}`, `{"a":[ ],"orderTopicConf":""}`, `{"a":[1],"orderTopicConf":"x:1"}`)
	f(`{"a":[1]}`, `{"a":[1]}`, `{"a":[ ]}`, `{"a":null}`)
	f(`{"a":1}`, `{"a":1}`)
	_, err := rewrite.Merge([]byte(`{"a":1}`), []byte(`{"a":`))
	require.Error(t, err)
}

func TestTopicListsBecomeOne(t *testing.T) {
	got, err := rewrite.MergeTopicLists([]byte(`{"brokerAddr":null,"topicList":["News","RMQ_SYS_TRACE_TOPIC"]}`), []byte(`{"topicList":["RMQ_SYS_TRACE_TOPIC","orders"]}`), []byte(`{}`))
	require.NoError(t, err)
	require.JSONEq(t, `{"topicList":["News","RMQ_SYS_TRACE_TOPIC","orders"]}`, string(got))
	_, err = rewrite.MergeTopicLists([]byte(`{"topicList":[1]}`))
	require.ErrorContains(t, err, "cannot read the topic list body")
}

// Whatever two name servers answer, the union of two answers in standard JSON is standard JSON.
func FuzzMerge(f *testing.F) {
	f.Add([]byte(routeQuoted), []byte(routeOdd))
	f.Add([]byte(`{"a":[1]}`), []byte(`{"a":[],"b":{}}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		got, err := rewrite.Merge(a, b)
		if err == nil && json.Valid(a) && json.Valid(b) {
			require.True(t, json.Valid(got), "%s", got)
		}
	})
}
