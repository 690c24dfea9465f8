package embedded_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

func TestPullReadsOnFromAnOffset(t *testing.T) {
	cl := start(t, embedded.Options{})
	p := dial(t, cl.Broker("broker-a").Addr())
	for _, s := range []string{"a", "b", "c"} {
		p.send("News", 0, s, "")
	}
	answer := p.call(codec.ReqPullMessage, pullFields("g", "News", 0, 1, ""), "")
	require.Equal(t, codec.ResSuccess, answer.Code)
	require.Equal(t, []string{"b", "c"}, bodies(messages(t, answer.Body)))
	require.Equal(t, map[string]string{"nextBeginOffset": "3", "minOffset": "0", "maxOffset": "3", "suggestWhichBrokerId": "0"}, answer.Ext)
}

func TestPullFiltersByTag(t *testing.T) {
	cl := start(t, embedded.Options{})
	p := dial(t, cl.Broker("broker-a").Addr())
	for _, tag := range []string{"a", "b", "c", "a"} {
		p.send("News", 0, tag, "TAGS="+tag)
	}
	f := pullFields("g", "News", 0, 0, "")
	f["subscription"] = "a || c"
	require.Equal(t, []string{"a", "c", "a"}, bodies(messages(t, p.call(codec.ReqPullMessage, f, "").Body)))
	f["subscription"] = "z"
	none := p.call(codec.ReqPullMessage, f, "")
	require.Equal(t, codec.ResPullRetryImmediately, none.Code)
	require.Equal(t, "4", none.Ext["nextBeginOffset"])
}

func TestPullWithoutSubscriptionUsesTheGroups(t *testing.T) {
	cl := start(t, embedded.Options{})
	p := dial(t, cl.Broker("broker-a").Addr())
	p.send("News", 0, "x", "TAGS=x")
	p.send("News", 0, "y", "TAGS=y")
	f := pullFields("g", "News", 0, 0, "sysFlag=0 subVersion=1")
	require.Equal(t, codec.ResSubscriptionNotExist, p.call(codec.ReqPullMessage, f, "").Code)
	p.beat("c1", []string{"g:News=y"})
	require.Equal(t, []string{"y"}, bodies(messages(t, p.call(codec.ReqPullMessage, f, "").Body)))
	f["subVersion"] = "2"
	require.Equal(t, codec.ResSubscriptionNotLatest, p.call(codec.ReqPullMessage, f, "").Code)
}

func TestPullWaitsForAMessage(t *testing.T) {
	cl := start(t, embedded.Options{})
	b := cl.Broker("broker-a")
	require.NoError(t, b.CreateTopic("News", 1))
	waits, sends := dial(t, b.Addr()), dial(t, b.Addr())
	f := pullFields("g", "News", 0, 0, "sysFlag=6")
	f["subscription"] = "wanted"
	opaque := waits.write(codec.ReqPullMessage, f, "")
	require.Equal(t, codec.ResSuccess, waits.call(codec.ReqGetMaxOffset, ext("topic=News queueId=0"), "").Code, "the pull blocks nobody")
	sends.send("News", 0, "no", "TAGS=other")
	sends.send("News", 0, "yes", "TAGS=wanted")
	require.Equal(t, []string{"yes"}, bodies(messages(t, waits.answer(opaque).Body)))
}

func TestPullWaitsNoLongerThanItSays(t *testing.T) {
	cl, clock := manual(t, embedded.Options{})
	b := cl.Broker("broker-a")
	require.NoError(t, b.CreateTopic("News", 1))
	p := dial(t, b.Addr())
	opaque := p.write(codec.ReqLitePullMessage, pullFields("g", "News", 0, 0, "sysFlag=6 suspendTimeoutMillis=20000"), "")
	p.ok(codec.ReqGetMaxOffset, "topic=News queueId=0", "")
	clock.Advance(20 * time.Second)
	answer := p.answer(opaque)
	require.Equal(t, codec.ResPullNotFound, answer.Code)
	require.Equal(t, "0", answer.Ext["nextBeginOffset"])
}

func TestPullIsRefused(t *testing.T) {
	cl := start(t, embedded.Options{DisableAutoCreateGroups: true})
	b := cl.Broker("broker-a")
	p := dial(t, b.Addr())
	require.Equal(t, codec.ResSubscriptionGroupNotExist, p.call(codec.ReqPullMessage, pullFields("g", "News", 0, 0, ""), "").Code)

	cl = start(t, embedded.Options{})
	b = cl.Broker("broker-a")
	require.NoError(t, b.CreateTopic("News", 1))
	p = dial(t, b.Addr())
	code := func(topic string, queue int, offset int64, more string) int32 {
		return p.call(codec.ReqPullMessage, pullFields("g", topic, queue, offset, more), "").Code
	}
	require.Equal(t, codec.ResTopicNotExist, code("Nowhere", 0, 0, ""))
	require.Equal(t, codec.ResSystemError, code("News", 1, 0, ""))
	require.Equal(t, codec.ResPullNotFound, code("News", 0, 0, ""))
	require.Equal(t, codec.ResPullOffsetMoved, code("News", 0, 9, ""))
	require.Equal(t, codec.ResSubscriptionParseFailed, code("News", 0, 0, "expressionType=XPATH"))
}

func TestOffsets(t *testing.T) {
	cl, clock := manual(t, embedded.Options{})
	b := cl.Broker("broker-a")
	require.NoError(t, b.CreateTopic("News", 1))
	p := dial(t, b.Addr())
	query := func(more string) *codec.Command {
		return p.call(codec.ReqQueryConsumerOffset, ext("consumerGroup=g topic=News queueId=0 "+more), "")
	}
	require.Equal(t, codec.ResQueryNotFound, query("").Code, "an empty queue")
	t0 := clock.Now().UnixMilli()
	for range 3 {
		p.send("News", 0, "x", "")
		clock.Advance(time.Second)
	}
	require.Equal(t, "0", query("").Ext["offset"], "a young queue is read from its beginning")
	require.Equal(t, codec.ResQueryNotFound, query("setZeroIfNotFound=false").Code)
	p.ok(codec.ReqUpdateConsumerOffset, "consumerGroup=g topic=News queueId=0 commitOffset=2", "")
	require.Equal(t, "2", query("").Ext["offset"])
	require.Equal(t, codec.ResSuccess, p.call(codec.ReqPullMessage, pullFields("g", "News", 0, 0, "sysFlag=5 commitOffset=1"), "").Code)
	at, ok := b.Offset("g", "News", 0)
	require.True(t, ok)
	require.Equal(t, int64(1), at)

	of := func(code int32, more string) string {
		a := p.ok(code, "topic=News queueId=0 "+more, "")
		return a.Ext["offset"] + a.Ext["timestamp"]
	}
	ts := func(ms int64) string { return "timestamp=" + itoa(t0+ms) }
	require.Equal(t, "3", of(codec.ReqGetMaxOffset, ""))
	require.Equal(t, "0", of(codec.ReqGetMinOffset, ""))
	require.Equal(t, itoa(t0), of(codec.ReqGetEarliestMsgStoreTime, ""))
	require.Equal(t, "1", of(codec.ReqSearchOffsetByTimestamp, ts(500)))
	require.Equal(t, "0", of(codec.ReqSearchOffsetByTimestamp, ts(500)+" boundaryType=UPPER"))
	require.Equal(t, "3", of(codec.ReqSearchOffsetByTimestamp, ts(9000)))
}
