package embedded_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

func TestRouteSpeaksTwoDialects(t *testing.T) {
	cl := start(t, embedded.Options{})
	require.NoError(t, cl.CreateTopic("News", 2))
	ns, addr := dial(t, cl.NameServers()[0]), cl.Broker("broker-a").Addr()
	route := func(version int32, more string) string {
		ns.opaque++
		ns.writeCommand(&codec.Command{Code: codec.ReqGetRouteInfoByTopic, Opaque: ns.opaque, Version: version, Ext: ext("topic=News " + more)})
		return string(ns.answer(ns.opaque).Body)
	}
	const head, tail = `{"brokerDatas":[{"brokerAddrs":{`, `},"brokerName":"broker-a","cluster":"DefaultCluster","enableActingMaster":false}],` +
		`"filterServerTable":{},"queueDatas":[{"brokerName":"broker-a","perm":6,"readQueueNums":2,"topicSysFlag":0,"writeQueueNums":2}]}`
	require.Equal(t, head+`0:"`+addr+`"`+tail, route(317, ""))
	require.Equal(t, head+`"0":"`+addr+`"`+tail, route(317, "acceptStandardJsonOnly=true"))
	require.Equal(t, head+`"0":"`+addr+`"`+tail, route(401, ""))
	require.Equal(t, `{"brokerAddrTable":{"broker-a":{"brokerAddrs":{0:"`+addr+`"},"brokerName":"broker-a","cluster":"DefaultCluster","enableActingMaster":false}},`+
		`"clusterAddrTable":{"DefaultCluster":["broker-a"]}}`, string(ns.ok(codec.ReqGetBrokerClusterInfo, "", "").Body))

	ns.ok(codec.ReqPutKVConfig, "namespace=ORDER_TOPIC_CONFIG key=News value=broker-a:2", "")
	require.Contains(t, route(513, ""), `"filterServerTable":{},"orderTopicConf":"broker-a:2","queueDatas"`)
}

func TestSystemTopicsHaveRoutes(t *testing.T) {
	cl := start(t, embedded.Options{})
	ns := dial(t, cl.NameServers()[0])
	for _, topic := range []string{"TBW102", "DefaultCluster", "broker-a", "DefaultCluster_REPLY_TOPIC"} {
		ns.ok(codec.ReqGetRouteInfoByTopic, "topic="+topic, "")
	}
	cl = start(t, embedded.Options{DisableAutoCreateTopics: true})
	ns = dial(t, cl.NameServers()[0])
	require.Equal(t, codec.ResTopicNotExist, ns.call(codec.ReqGetRouteInfoByTopic, ext("topic=TBW102"), "").Code)
}

func TestNameServerKeepsValues(t *testing.T) {
	cl := start(t, embedded.Options{})
	ns := dial(t, cl.NameServers()[0])
	require.Equal(t, codec.ResQueryNotFound, ns.call(codec.ReqGetKVConfig, ext("namespace=n key=k"), "").Code)
	require.Equal(t, codec.ResQueryNotFound, ns.call(codec.ReqGetKVListByNamespace, ext("namespace=n"), "").Code)
	require.Equal(t, codec.ResSystemError, ns.call(codec.ReqPutKVConfig, ext("namespace=n"), "").Code)
	ns.ok(codec.ReqPutKVConfig, "namespace=n key=k value=v", "")
	require.Equal(t, "v", ns.ok(codec.ReqGetKVConfig, "namespace=n key=k", "").Ext["value"])
	require.Equal(t, `{"table":{"k":"v"}}`, string(ns.ok(codec.ReqGetKVListByNamespace, "namespace=n", "").Body))
	ns.ok(codec.ReqDeleteKVConfig, "namespace=n key=k", "")
	require.Equal(t, codec.ResQueryNotFound, ns.call(codec.ReqGetKVConfig, ext("namespace=n key=k"), "").Code)

	ns.ok(codec.ReqUpdateNamesrvConfig, "", "a=b")
	require.Contains(t, string(ns.ok(codec.ReqGetNamesrvConfig, "", "").Body), "a=b")
	require.Equal(t, codec.ResSystemError, ns.call(codec.ReqRegisterBroker, nil, "").Code)
	require.Equal(t, codec.ResRequestCodeNotSupported, ns.call(7777, nil, "").Code)
}

func TestWritePermissionIsWiped(t *testing.T) {
	cl := start(t, embedded.Options{})
	require.NoError(t, cl.CreateTopic("News", 2))
	ns := dial(t, cl.NameServers()[0])
	require.NotEqual(t, "0", ns.ok(codec.ReqWipeWritePermOfBroker, "brokerName=broker-a", "").Ext["wipeTopicCount"])
	require.Contains(t, string(ns.ok(codec.ReqGetRouteInfoByTopic, "topic=News", "").Body), `"perm":4`)
	ns.ok(codec.ReqAddWritePermOfBroker, "brokerName=broker-a", "")
	require.Contains(t, string(ns.ok(codec.ReqGetRouteInfoByTopic, "topic=News", "").Body), `"perm":6`)

	require.Contains(t, string(ns.ok(codec.ReqGetAllTopicListFromNameServer, "", "").Body), `"News"`)
	require.Contains(t, string(ns.ok(codec.ReqGetTopicsByCluster, "cluster=DefaultCluster", "").Body), `"News"`)
	require.Equal(t, `{"topicList":[]}`, string(ns.ok(codec.ReqGetTopicsByCluster, "cluster=Other", "").Body))
	require.Equal(t, `{"topicList":["DefaultCluster","broker-a"]}`, string(ns.ok(codec.ReqGetSystemTopicListFromNS, "", "").Body))
	require.Equal(t, `{"topicList":[]}`, string(ns.ok(codec.ReqGetUnitTopicList, "", "").Body))
	ns.ok(codec.ReqDeleteTopicInNamesrv, "topic=News", "")
	require.Equal(t, codec.ResTopicNotExist, ns.call(codec.ReqGetRouteInfoByTopic, ext("topic=News"), "").Code)
}
