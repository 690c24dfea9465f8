package embedded_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

func TestFirstSendCreatesTheTopic(t *testing.T) {
	cl := start(t, embedded.Options{})
	ns, p := dial(t, cl.NameServers()[0]), dial(t, cl.Broker("broker-a").Addr())

	require.Equal(t, codec.ResTopicNotExist, ns.call(codec.ReqGetRouteInfoByTopic, ext("topic=News"), "").Code)
	answer := p.send("News", 3, "hello", "TAGS=a UNIQ_KEY=u1")
	require.Equal(t, "3", answer.Ext["queueId"])
	require.Equal(t, "0", answer.Ext["queueOffset"])
	require.Len(t, answer.Ext["msgId"], 32)
	require.Equal(t, "u1", answer.Ext["transactionId"])
	require.Equal(t, codec.Java, answer.Language)

	route := string(ns.ok(codec.ReqGetRouteInfoByTopic, "topic=News", "").Body)
	require.Contains(t, route, `"queueDatas":[{"brokerName":"broker-a","perm":6,"readQueueNums":4,"topicSysFlag":0,"writeQueueNums":4}]`)
}

func TestSendWithShortNamesAndBatch(t *testing.T) {
	cl := start(t, embedded.Options{})
	b := cl.Broker("broker-a")
	p := dial(t, b.Addr())
	fields := ext("a=pg b=News c=TBW102 d=4 e=0 f=0 g=1700000000000 h=7 j=0 k=false m=false n=broker-a")
	fields["i"] = properties("TAGS=x")
	require.Equal(t, codec.ResSuccess, p.call(codec.ReqSendMessageV2, fields, "one").Code)

	item := "\x00\x00\x00\x18\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x02hi\x00\x00"
	fields["e"], fields["m"] = "1", "true"
	answer := p.call(codec.ReqSendBatchMessage, fields, item+item)
	require.Equal(t, codec.ResSuccess, answer.Code, answer.Remark)
	require.Len(t, strings.Split(answer.Ext["msgId"], ","), 2)
	require.Equal(t, codec.ResMessageIllegal, p.call(codec.ReqSendBatchMessage, fields, item[:20]).Code)

	all := b.Messages("News")
	require.Len(t, all, 3)
	require.Equal(t, "one", string(all[0].Body))
	require.Equal(t, "hi", string(all[2].Body))
	require.Equal(t, int64(1), all[2].Offset)
}

func TestSendIsRefused(t *testing.T) {
	cl := start(t, embedded.Options{DisableAutoCreateTopics: true, MaxMessageSize: 10})
	b := cl.Broker("broker-a")
	p := dial(t, b.Addr())
	refused := func(topic string, queue int, body string, code int32) {
		t.Helper()
		require.Equal(t, code, p.call(codec.ReqSendMessage, sendFields(topic, queue, ""), body).Code)
	}
	refused("News", 0, "x", codec.ResTopicNotExist)
	require.NoError(t, b.CreateTopic("News", 2))
	refused("News", 2, "x", codec.ResSystemError)
	refused("News", 0, "more than ten bytes", codec.ResMessageIllegal)
	refused("News", 0, "", codec.ResMessageIllegal)
	refused("SCHEDULE_TOPIC_XXXX", 0, "x", codec.ResNoPermission)
	require.Equal(t, codec.ResSystemError, p.call(codec.ReqSendMessage, ext("topic=News"), "x").Code)
	require.Equal(t, codec.ResRequestCodeNotSupported, p.call(9999, nil, "").Code)
}

func TestOnewaySendIsStoredAndNotAnswered(t *testing.T) {
	cl := start(t, embedded.Options{})
	b := cl.Broker("broker-a")
	p := dial(t, b.Addr())
	p.writeCommand(&codec.Command{Code: codec.ReqSendMessage, Opaque: 77, Flag: codec.FlagOneway, Ext: sendFields("News", 0, ""), Body: []byte("x")})
	p.send("News", 0, "y", "") // the next answer on this connection is this one's
	require.Len(t, b.Messages("News"), 2)
}

func TestBinaryHeaderIsAnsweredInJSON(t *testing.T) {
	cl := start(t, embedded.Options{})
	p := dial(t, cl.NameServers()[0])
	cmd := &codec.Command{Code: codec.ReqGetRouteInfoByTopic, Opaque: 5, Version: 317, Ext: ext("topic=TBW102")}
	_, err := p.nc.Write(cmd.Append(nil, codec.Binary))
	require.NoError(t, err)
	require.Equal(t, codec.ResSuccess, p.answer(5).Code)
}

func TestOldMessagesGoFirstWhenMemoryIsFull(t *testing.T) {
	cl := start(t, embedded.Options{MaxMemory: 1 << 20})
	b := cl.Broker("broker-a")
	p := dial(t, b.Addr())
	body := strings.Repeat("x", 10_000)
	for i := range 300 {
		p.send("News", i%4, body, "")
	}
	require.LessOrEqual(t, b.Memory(), int64(1<<20))
	first := p.ok(codec.ReqGetMinOffset, "topic=News queueId=0", "").Ext["offset"]
	require.NotEqual(t, "0", first)
	moved := p.call(codec.ReqPullMessage, pullFields("g", "News", 0, 0, ""), "")
	require.Equal(t, codec.ResPullOffsetMoved, moved.Code)
	require.Equal(t, first, moved.Ext["nextBeginOffset"])
	require.Equal(t, "75", moved.Ext["maxOffset"])
}
