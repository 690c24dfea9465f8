package rewrite_test

import (
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// Bodies made by the Java classes of RocketMQ 5.3.x with fastjson 1.2.83, executed, unless said otherwise.
const (
	// TopicRouteData, as a name server answers a client below 4.9.4.
	routeUnquoted = `{"brokerDatas":[{"brokerAddrs":{0:"10.0.0.1:10911",1:"10.0.0.2:10911"},"brokerName":"broker-a","cluster":"DefaultCluster","enableActingMaster":false}],"filterServerTable":{},"queueDatas":[{"brokerName":"broker-a","perm":6,"readQueueNums":8,"topicSysFlag":0,"writeQueueNums":8}]}`
	// The same, as it answers 4.9.4 and later.
	routeQuoted = `{"brokerDatas":[{"brokerAddrs":{"0":"10.0.0.1:10911","1":"10.0.0.2:10911"},"brokerName":"broker-a","cluster":"DefaultCluster","enableActingMaster":false}],"filterServerTable":{},"queueDatas":[{"brokerName":"broker-a","perm":6,"readQueueNums":8,"topicSysFlag":0,"writeQueueNums":8}]}`
	// An order topic.
	routeOrder = `{"brokerDatas":[{"brokerAddrs":{0:"10.0.0.1:10911",1:"10.0.0.2:10911"},"brokerName":"broker-a","cluster":"DefaultCluster","enableActingMaster":false}],"filterServerTable":{},"orderTopicConf":"broker-a:8","queueDatas":[{"brokerName":"broker-a","perm":6,"readQueueNums":8,"topicSysFlag":0,"writeQueueNums":8}]}`
	// ClusterInfo, always unquoted.
	clusterBody = `{"brokerAddrTable":{"broker-a":{"brokerAddrs":{0:"10.0.0.1:10911",1:"10.0.0.2:10911"},"brokerName":"broker-a","cluster":"DefaultCluster","enableActingMaster":false}},"clusterAddrTable":{"DefaultCluster":["broker-a"]}}`
	// HeartbeatData of a client with one producer and one consumer.
	heartbeatBody = `{"clientID":"10.0.0.9@1","consumerDataSet":[{"consumeFromWhere":"CONSUME_FROM_LAST_OFFSET","consumeType":"CONSUME_PASSIVELY","groupName":"cg","messageModel":"CLUSTERING","subscriptionDataSet":[{"classFilterMode":false,"codeSet":[2598919,2598920],"expressionType":"TAG","subString":"TagA||TagB","subVersion":1700000000000,"tagsSet":["TagA","TagB"],"topic":"TopicTest"}],"unitMode":false}],"heartbeatFingerprint":0,"producerDataSet":[{"groupName":"pg"}],"withoutSub":false}`
	// ConsumeStats: objects as keys. Not a route, but what the tokenizer must be able to pass over.
	consumeStats = `{"consumeTps":0.0,"offsetTable":{{"brokerName":"broker-a","queueId":3,"topic":"TopicTest"}:{"brokerOffset":10,"consumerOffset":7,"lastTimestamp":0,"pullOffset":0}}}`

	// Written by hand after TopicQueueMappingInfo.java: a static topic over two brokers, one of them called "123", with
	// everything that might trip a rewriter: white space, nulls, keys of the future, objects as keys, escapes.
	routeOdd = ` {
	"future":{"brokerAddrs":{0:"not an address"},{"brokerName":"x"}:[1,-2.5e+3,true,null,{}],7:"\"}]"},
	"queueDatas":[ {"brokerName":"123","perm":6} , {"perm":4,"brokerName":"broker-\u0062","zone":null} ],
	"brokerDatas":[ {"brokerAddrs":{ "0" : "10.0.0.1:10911" , 1:"" },"brokerName":"123","zoneName":"z1"} ,
		{"cluster":"c\u00e9","brokerName":"broker-b","brokerAddrs":{0:"[2001:db8::1]:10911",2:"10.0.0.4:10911"}} ],
	"topicQueueMappingByBroker":{"123":{"bname":"123","currIdMap":{0:0,"1":1},"dirty":false,"totalQueues":2},"broker-b":null}
} `
)

// at makes a Place of "broker/id=address" pairs separated by spaces; those that end in (r) are shown read-only.
func at(places string) rewrite.Place {
	m := make(map[string]string)
	for pair := range strings.FieldsSeq(places) {
		b, addr, _ := strings.Cut(pair, "=")
		m[b] = addr
	}
	return func(b route.BrokerID) (string, route.Show) {
		addr, ok := m[b.String()]
		if !ok {
			return "", route.ShowNothing
		}
		if readOnly, only := strings.CutSuffix(addr, "(r)"); only {
			return readOnly, route.ShowReadOnly
		}
		return addr, route.ShowAll
	}
}

// everywhere gives every broker process a place.
func everywhere(route.BrokerID) (string, route.Show) { return "mq.example.com:20000", route.ShowAll }
