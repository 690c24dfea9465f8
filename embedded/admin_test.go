package embedded_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

func TestAdminKeepsTopics(t *testing.T) {
	cl := start(t, embedded.Options{})
	ns, p := dial(t, cl.NameServers()[0]), dial(t, cl.Broker("broker-a").Addr())
	const fields = "defaultTopic=TBW102 readQueueNums=3 writeQueueNums=2 perm=6 topicFilterType=SINGLE_TAG order=false attributes=+message.type=FIFO "
	p.ok(codec.ReqUpdateAndCreateTopic, fields+"topic=News", "")
	require.Equal(t, `{"attributes":{"message.type":"FIFO"},"order":false,"perm":6,"readQueueNums":3,"topicFilterType":"SINGLE_TAG",`+
		`"topicName":"News","topicSysFlag":0,"writeQueueNums":2}`, string(p.ok(codec.ReqGetTopicConfig, "topic=News", "").Body))
	for _, bad := range []string{"TBW102", "no/slash", "rmq_sys_x"} {
		require.Equal(t, codec.ResInvalidParameter, p.call(codec.ReqUpdateAndCreateTopic, ext(fields+"topic="+bad), "").Code)
	}
	p.ok(codec.ReqUpdateAndCreateTopicList, "", `{"topicConfigList":[{"topicName":"More","readQueueNums":1,"writeQueueNums":1,"perm":6}]}`)
	require.Contains(t, string(p.ok(codec.ReqGetAllTopicConfig, "", "").Body), `"More":{`)
	require.Contains(t, string(p.ok(codec.ReqGetSystemTopicListFromBroker, "", "").Body), `"TBW102"`)

	p.send("News", 1, "x", "")
	stats := string(p.ok(codec.ReqGetTopicStatsInfo, "topic=News", "").Body)
	require.True(t, strings.HasPrefix(stats, `{"offsetTable":{{"brokerName":"broker-a","queueId":0,"topic":"News"}:{"lastUpdateTimestamp":0,"maxOffset":0,"minOffset":0},`), stats)
	require.Contains(t, stats, `{"brokerName":"broker-a","queueId":1,"topic":"News"}:{"lastUpdateTimestamp":1`)

	p.ok(codec.ReqDeleteTopicInBroker, "topic=News", "")
	require.Equal(t, codec.ResTopicNotExist, ns.call(codec.ReqGetRouteInfoByTopic, ext("topic=News"), "").Code)
	require.Equal(t, codec.ResTopicNotExist, p.call(codec.ReqGetTopicConfig, ext("topic=News"), "").Code)
	require.Equal(t, codec.ResTopicNotExist, p.call(codec.ReqGetTopicStatsInfo, ext("topic=News"), "").Code)
}

func TestAdminKeepsGroups(t *testing.T) {
	cl := start(t, embedded.Options{})
	p := dial(t, cl.Broker("broker-a").Addr())
	p.ok(codec.ReqUpdateAndCreateSubscriptionGroup, "", `{"groupName":"g","consumeEnable":false,"retryMaxTimes":3}`)
	require.Contains(t, string(p.ok(codec.ReqGetSubscriptionGroupConfig, "group=g", "").Body), `"retryMaxTimes":3`)
	require.Contains(t, string(p.ok(codec.ReqGetAllSubscriptionGroupConfig, "", "").Body), `"subscriptionGroupTable":{"g":{`)
	p.send("News", 0, "x", "")
	require.Equal(t, codec.ResNoPermission, p.call(codec.ReqPullMessage, pullFields("g", "News", 0, 0, ""), "").Code)
	p.ok(codec.ReqUpdateAndCreateSubscriptionGroupList, "", `{"groupConfigList":[{"groupName":"h"}]}`)
	p.ok(codec.ReqUpdateConsumerOffset, "consumerGroup=g topic=News queueId=0 commitOffset=1", "")
	require.Contains(t, string(p.ok(codec.ReqGetConsumeStats, "consumerGroup=g", "").Body),
		`{"consumeTps":0.0,"offsetTable":{{"brokerName":"broker-a","queueId":0,"topic":"News"}:{"brokerOffset":1,"consumerOffset":1,"lastTimestamp":`)
	require.Equal(t, `{"groupList":["g"]}`, string(p.ok(codec.ReqQueryTopicConsumeByWho, "topic=News", "").Body))
	require.Equal(t, `{"topicList":["News"]}`, string(p.ok(codec.ReqQueryTopicsByConsumer, "group=g", "").Body))
	p.ok(codec.ReqCloneGroupOffset, "srcGroup=g destGroup=h topic=News", "")
	require.Equal(t, `{"offsetTable":{"News@g":{0:1},"News@h":{0:1}}}`, string(p.ok(codec.ReqGetAllConsumerOffset, "", "").Body))
	p.ok(codec.ReqDeleteSubscriptionGroup, "groupName=g cleanOffset=true", "")
	require.Equal(t, codec.ResSubscriptionGroupNotExist, p.call(codec.ReqGetSubscriptionGroupConfig, ext("group=g"), "").Code)
	require.Equal(t, `{"offsetTable":{"News@h":{0:1}}}`, string(p.ok(codec.ReqGetAllConsumerOffset, "", "").Body))
}

func TestAdminSeesClientsAndAsksThem(t *testing.T) {
	cl, clock := manual(t, embedded.Options{})
	b := cl.Broker("broker-a")
	admin, c1 := dial(t, b.Addr()), dial(t, b.Addr())
	require.Equal(t, codec.ResConsumerNotOnline, admin.call(codec.ReqGetConsumerConnectionList, ext("consumerGroup=g"), "").Code)
	id := c1.send("News", 0, "x", "").Ext["msgId"]
	c1.beat("c1", []string{"g:News"}, "pg")
	c1.push()
	addr := c1.nc.LocalAddr().String()
	info := `{"clientAddr":"` + addr + `","clientId":"c1","language":"JAVA","version":513}`
	require.Contains(t, string(admin.ok(codec.ReqGetConsumerConnectionList, "consumerGroup=g", "").Body), `{"connectionSet":[`+info+`],"consumeFromWhere":"CONSUME_FROM_LAST_OFFSET"`)
	require.Equal(t, `{"connectionSet":[`+info+`]}`, string(admin.ok(codec.ReqGetProducerConnectionList, "producerGroup=pg", "").Body))
	require.Equal(t, codec.ResSystemError, admin.call(codec.ReqGetProducerConnectionList, ext("producerGroup=x"), "").Code)
	require.Contains(t, string(admin.ok(codec.ReqGetAllProducerInfo, "", "").Body), `"pg":[{`)
	require.Contains(t, string(admin.ok(codec.ReqQuerySubscriptionByConsumer, "group=g topic=News", "").Body), `"subString":"*"`)
	require.Equal(t, []embedded.Client{{ID: "c1", Addr: addr, Language: "JAVA", Version: 513, Consumers: []string{"g"}, Producers: []string{"pg"}}}, b.Clients())

	asked := admin.write(codec.ReqGetConsumerRunningInfo, ext("consumerGroup=g clientId=c1 jstackEnable=true"), "")
	push := c1.push()
	require.Equal(t, codec.ReqGetConsumerRunningInfo, push.Code)
	require.Equal(t, "true", push.Ext["jstackEnable"])
	c1.writeCommand(&codec.Command{Opaque: push.Opaque, Flag: codec.FlagResponse, Body: []byte("running")})
	require.Equal(t, "running", string(admin.answer(asked).Body))

	asked = admin.write(codec.ReqConsumeMessageDirectly, ext("consumerGroup=g clientId=c1 msgId="+id), "")
	push = c1.push()
	require.Equal(t, []string{"x"}, bodies(messages(t, push.Body)))
	clock.Advance(10 * time.Second) // the client does not answer
	require.Equal(t, codec.ResConsumeMsgTimeout, admin.answer(asked).Code)
	require.Equal(t, codec.ResSystemError, admin.call(codec.ReqConsumeMessageDirectly, ext("consumerGroup=g clientId=c1 msgId=zz"), "").Code)
	require.Equal(t, codec.ResSystemError, admin.call(codec.ReqGetConsumerRunningInfo, ext("consumerGroup=g clientId=c2"), "").Code)

	asked = admin.write(codec.ReqInvokeBrokerToGetConsumerStatus, ext("group=g topic=News"), "")
	push = c1.push()
	require.Equal(t, codec.ReqGetConsumerStatusFromClient, push.Code)
	const table = `{{"brokerName":"broker-a","queueId":0,"topic":"{"}:7}`
	c1.writeCommand(&codec.Command{Opaque: push.Opaque, Flag: codec.FlagResponse, Body: []byte(`{"consumerTable":{},"messageQueueTable":` + table + `}`)})
	require.Equal(t, `{"consumerTable":{"c1":`+table+`},"messageQueueTable":{}}`, string(admin.answer(asked).Body))

	asked = admin.write(codec.ReqGetConsumerRunningInfo, ext("consumerGroup=g clientId=c1"), "")
	c1.push()
	c1.nc.Close()
	require.Equal(t, codec.ResConsumeMsgTimeout, admin.answer(asked).Code)
}

func TestAdminResetsOffsets(t *testing.T) {
	cl, clock := manual(t, embedded.Options{})
	b := cl.Broker("broker-a")
	require.NoError(t, b.CreateTopic("News", 1))
	p := dial(t, b.Addr())
	for range 3 {
		clock.Advance(time.Second)
		p.send("News", 0, "x", "")
	}
	p.ok(codec.ReqUpdateConsumerOffset, "consumerGroup=g topic=News queueId=0 commitOffset=3", "")
	waits := p.write(codec.ReqPullMessage, pullFields("g", "News", 0, 3, "sysFlag=6"), "")
	const reset = "topic=News group=g isForce=true timestamp="
	admin := dial(t, b.Addr())
	require.NoError(t, b.WaitRequests(patience(t), codec.ReqPullMessage, 1))
	require.Equal(t, `{"offsetTable":{{"brokerName":"broker-a","queueId":0,"topic":"News"}:1}}`,
		string(admin.ok(codec.ReqInvokeBrokerToResetOffset, reset+itoa(clock.Now().UnixMilli()-1000), "").Body))
	moved := p.answer(waits)
	require.Equal(t, codec.ResPullOffsetMoved, moved.Code)
	require.Equal(t, "1", moved.Ext["nextBeginOffset"])
	admin.ok(codec.ReqInvokeBrokerToResetOffset, reset+"-1", "")
	at, _ := b.Offset("g", "News", 0)
	require.Equal(t, int64(3), at)
	require.Equal(t, codec.ResTopicNotExist, admin.call(codec.ReqInvokeBrokerToResetOffset, ext("topic=No group=g timestamp=0"), "").Code)
}

func TestOldBrokersLetConsumersReset(t *testing.T) {
	cl := start(t, embedded.Options{ClientSideReset: true})
	b := cl.Broker("broker-a")
	require.NoError(t, b.CreateTopic("News", 1))
	c1, admin := dial(t, b.Addr()), dial(t, b.Addr())
	require.Equal(t, codec.ResConsumerNotOnline, admin.call(codec.ReqInvokeBrokerToResetOffset, ext("topic=News group=g timestamp=0"), "").Code)
	c1.beat("c1", []string{"g:News"})
	c1.push()
	admin.ok(codec.ReqInvokeBrokerToResetOffset, "topic=News group=g timestamp=0 isForce=true", "")
	push := c1.push()
	require.Equal(t, codec.ReqResetConsumerClientOffset, push.Code)
	require.Equal(t, `{"offsetTable":{{"brokerName":"broker-a","queueId":0,"topic":"News"}:0}}`, string(push.Body))
}

func TestBrokerTellsOfItself(t *testing.T) {
	cl := start(t, embedded.Options{Brokers: []embedded.BrokerOptions{{}, {ID: 1}}})
	p := dial(t, cl.Broker("broker-a").Addr())
	p.ok(codec.ReqUpdateBrokerConfig, "", "flushDiskType=SYNC_FLUSH\n")
	config := string(p.ok(codec.ReqGetBrokerConfig, "", "").Body)
	require.Contains(t, config, "brokerName=broker-a\n")
	require.Contains(t, config, "flushDiskType=SYNC_FLUSH\n")
	require.Contains(t, string(p.ok(codec.ReqGetBrokerRuntimeInfo, "", "").Body), `"brokerVersionDesc":"V5_5_0"`)
	slave := dial(t, cl.BrokerWithID("broker-a", 1).Addr())
	require.Contains(t, string(slave.ok(codec.ReqGetBrokerRuntimeInfo, "", "").Body), `"brokerRole":"SLAVE"`)
	p.ok(codec.ReqCleanUnusedTopic, "", "")
	p.ok(codec.ReqCheckClientConfig, "", `{"clientId":"c","group":"g","subscriptionData":{"topic":"News","subString":"a > 1","expressionType":"SQL92"}}`)
	require.Equal(t, codec.ResSubscriptionParseFailed, p.call(codec.ReqCheckClientConfig, nil, `{"subscriptionData":{"subString":"a >","expressionType":"SQL92"}}`).Code)
}
