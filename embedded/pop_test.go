package embedded_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// poppers starts a broker with topic News of one queue, on a clock of its own.
func poppers(t *testing.T) (*embedded.Broker, *embedded.ManualClock, *peer) {
	cl, clock := manual(t, embedded.Options{})
	b := cl.Broker("broker-a")
	require.NoError(t, b.CreateTopic("News", 1))
	return b, clock, dial(t, b.Addr())
}

func popFields(clock *embedded.ManualClock, more string) map[string]string {
	m := ext("consumerGroup=g topic=News queueId=-1 maxMsgNums=32 invisibleTime=10000 pollTime=0 initMode=0 exp=* expType=TAG")
	m["bornTime"] = itoa(clock.Now().UnixMilli())
	for k, v := range ext(more) {
		m[k] = v
	}
	return m
}

// handleOf makes the handle of a message at an offset, as the Java client does.
func handleOf(t *testing.T, answer *codec.Command, queue int, offset string) string {
	t.Helper()
	for item := range strings.SplitSeq(answer.Ext["startOffsetInfo"], ";") {
		f := strings.Fields(item)
		if f[0] == "0" && f[1] == strconv.Itoa(queue) {
			return strings.Join([]string{f[2], answer.Ext["popTime"], answer.Ext["invisibleTime"], answer.Ext["reviveQid"], "0", "broker-a", f[1], offset}, " ")
		}
	}
	t.Fatalf("no start offset in %v", answer.Ext)
	return ""
}

func ackFields(topic string, queue int, offset, handle string) map[string]string {
	return map[string]string{"consumerGroup": "g", "topic": topic, "queueId": strconv.Itoa(queue), "offset": offset, "extraInfo": handle}
}

func TestPopThenAck(t *testing.T) {
	b, clock, p := poppers(t)
	for _, s := range []string{"a", "b", "c"} {
		p.send("News", 0, s, "")
	}
	got := p.call(codec.ReqPopMessage, popFields(clock, "maxMsgNums=2"), "")
	require.Equal(t, codec.ResSuccess, got.Code, got.Remark)
	require.Equal(t, []string{"a", "b"}, bodies(messages(t, got.Body)))
	require.Equal(t, "0 0 0", got.Ext["startOffsetInfo"])
	require.Equal(t, "0 0 0,1", got.Ext["msgOffsetInfo"])
	require.Equal(t, "1", got.Ext["restNum"])
	require.Equal(t, []string{"c"}, bodies(messages(t, p.call(codec.ReqPopMessage, popFields(clock, ""), "").Body)))
	require.Equal(t, codec.ResPullNotFound, p.call(codec.ReqPopMessage, popFields(clock, ""), "").Code)

	require.Equal(t, codec.ResSuccess, p.call(codec.ReqAckMessage, ackFields("News", 0, "0", handleOf(t, got, 0, "0")), "").Code)
	at, _ := b.Offset("g", "News", 0)
	require.Equal(t, int64(1), at)
	require.Equal(t, codec.ResTopicNotExist, p.call(codec.ReqAckMessage, ackFields("Other", 0, "0", handleOf(t, got, 0, "0")), "").Code)
	require.Equal(t, codec.ResNoMessage, p.call(codec.ReqAckMessage, ackFields("News", 0, "99", handleOf(t, got, 0, "99")), "").Code)
	require.Equal(t, codec.ResMessageIllegal, p.call(codec.ReqAckMessage, ackFields("News", 9, "0", handleOf(t, got, 0, "0")), "").Code)
	require.Equal(t, codec.ResMessageIllegal, p.call(codec.ReqAckMessage, ackFields("News", 0, "0", "x"), "").Code)
}

func TestPoppedMessageComesAgainUnlessAcked(t *testing.T) {
	b, clock, p := poppers(t)
	p.send("News", 0, "acked", "")
	p.send("News", 0, "lost", "")
	got := p.call(codec.ReqPopMessage, popFields(clock, ""), "")
	p.call(codec.ReqAckMessage, ackFields("News", 0, "0", handleOf(t, got, 0, "0")), "")
	clock.Advance(10 * time.Second)
	require.Len(t, b.Messages("%RETRY%g_News"), 1)

	again := p.call(codec.ReqPopMessage, popFields(clock, ""), "")
	all := messages(t, again.Body)
	require.Equal(t, []string{"lost"}, bodies(all))
	require.Equal(t, "News", all[0].topic, "its topic is given back")
	require.Equal(t, int32(1), all[0].reconsumed)
	require.Contains(t, all[0].props, "1ST_POP_TIME\x01")
	_, handle, found := strings.Cut(all[0].props, "POP_CK\x01")
	require.True(t, found)
	handle, _, _ = strings.Cut(handle, "\x02")
	require.Equal(t, "1", strings.Fields(handle)[4])
	require.Equal(t, "1 0 0", again.Ext["startOffsetInfo"])
	require.Equal(t, codec.ResSuccess, p.call(codec.ReqAckMessage, ackFields("%RETRY%g_News", 0, "0", handle), "").Code)
	clock.Advance(time.Minute)
	require.Len(t, b.Messages("%RETRY%g_News"), 1, "acked for good")
	at, _ := b.Offset("g", "News", 0)
	require.Equal(t, int64(2), at)
}

func TestBatchAck(t *testing.T) {
	b, clock, p := poppers(t)
	for range 10 {
		p.send("News", 0, "x", "")
	}
	got := p.call(codec.ReqPopMessage, popFields(clock, ""), "")
	// AQI= is the bytes 01 02: bits 0 and 9.
	p.ok(codec.ReqBatchAckMessage, "", `{"acks":[{"b":"AQI=","c":"g","it":10000,"pt":`+got.Ext["popTime"]+
		`,"q":0,"r":"0","rq":`+got.Ext["reviveQid"]+`,"so":0,"t":"News"}],"brokerName":"broker-a"}`)
	p.ok(codec.ReqBatchAckMessage, "", `{"acks":[{"bitSet":"Ag==","consumerGroup":"g","invisibleTime":10000,"popTime":`+got.Ext["popTime"]+
		`,"queueId":0,"retry":"0","reviveQueueId":`+got.Ext["reviveQid"]+`,"startOffset":0,"topic":"News"}],"brokerName":"broker-a"}`)
	clock.Advance(10 * time.Second)
	require.Len(t, b.Messages("%RETRY%g_News"), 7)
}

func TestChangeInvisibleTimeMakesANewHandle(t *testing.T) {
	b, clock, p := poppers(t)
	p.send("News", 0, "x", "")
	got := p.call(codec.ReqPopMessage, popFields(clock, ""), "")
	fields := ackFields("News", 0, "0", handleOf(t, got, 0, "0"))
	fields["invisibleTime"] = "30000"
	clock.Advance(5 * time.Second)
	changed := p.call(codec.ReqChangeMessageInvisibleTime, fields, "")
	require.Equal(t, codec.ResSuccess, changed.Code)
	require.Equal(t, "30000", changed.Ext["invisibleTime"])
	clock.Advance(29 * time.Second)
	require.Empty(t, b.Messages("%RETRY%g_News"))
	handle := strings.Join([]string{"0", changed.Ext["popTime"], "30000", changed.Ext["reviveQid"], "0", "broker-a", "0", "0"}, " ")
	p.call(codec.ReqAckMessage, ackFields("News", 0, "0", handle), "")
	clock.Advance(time.Minute)
	require.Empty(t, b.Messages("%RETRY%g_News"))
}

// The clock may stand still between a pop and its prolongation: the two handles are the same then.
func TestChangeInvisibleTimeWithinAMillisecond(t *testing.T) {
	b, clock, p := poppers(t)
	p.send("News", 0, "acked", "")
	p.send("News", 0, "lost", "")
	got := p.call(codec.ReqPopMessage, popFields(clock, ""), "")
	fields := ackFields("News", 0, "0", handleOf(t, got, 0, "0"))
	fields["invisibleTime"] = "10000"
	changed := p.call(codec.ReqChangeMessageInvisibleTime, fields, "")
	require.Equal(t, got.Ext["popTime"], changed.Ext["popTime"])
	p.call(codec.ReqAckMessage, fields, "")
	clock.Advance(time.Minute)
	require.Len(t, b.Messages("%RETRY%g_News"), 1)
}

func TestPopWaitsForAMessage(t *testing.T) {
	b, clock, p := poppers(t)
	waits := p.write(codec.ReqPopMessage, popFields(clock, "pollTime=15000 invisibleTime=60000"), "")
	notified := p.write(codec.ReqNotification, popFields(clock, "pollTime=15000 consumerGroup=h"), "")
	require.Equal(t, "2", p.ok200055(t))
	dial(t, b.Addr()).send("News", 0, "x", "")
	require.Equal(t, []string{"x"}, bodies(messages(t, p.answer(waits).Body)))
	require.Equal(t, "true", p.answer(notified).Ext["hasMsg"])

	waits = p.write(codec.ReqPopMessage, popFields(clock, "pollTime=15000"), "")
	p.ok200055(t)
	clock.Advance(15 * time.Second)
	require.Equal(t, codec.ResPollingTimeout, p.answer(waits).Code)
}

// ok200055 asks how many wait, and so makes sure that the requests before have been handled.
func (p *peer) ok200055(t *testing.T) string {
	a := p.call(codec.ReqPollingInfo, ext("consumerGroup=g topic=News queueId=-1"), "")
	require.True(t, a.Code == codec.ResSuccess)
	return a.Ext["pollingNum"]
}

func TestPopIsRefused(t *testing.T) {
	_, clock, p := poppers(t)
	code := func(more string) int32 { return p.call(codec.ReqPopMessage, popFields(clock, more), "").Code }
	require.Equal(t, codec.ResPollingTimeout, code("bornTime=1"))
	require.Equal(t, codec.ResInvalidParameter, code("maxMsgNums=33"))
	require.Equal(t, codec.ResTopicNotExist, code("topic=Nowhere"))
	require.Equal(t, codec.ResInvalidParameter, code("queueId=7"))
	require.Equal(t, codec.ResSubscriptionParseFailed, code("exp==1 expType=SQL92"))
}

func TestOrderedPopWaitsForItsAcks(t *testing.T) {
	_, clock, p := poppers(t)
	for _, s := range []string{"a", "b", "c"} {
		p.send("News", 0, s, "")
	}
	pop := func(more string) *codec.Command {
		return p.call(codec.ReqPopMessage, popFields(clock, "order=true maxMsgNums=2 "+more), "")
	}
	first := pop("attemptId=1")
	require.Equal(t, []string{"a", "b"}, bodies(messages(t, first.Body)))
	require.Equal(t, "999", first.Ext["reviveQid"])
	require.Empty(t, pop("attemptId=2").Body, "the queue is blocked")
	require.Equal(t, []string{"a", "b"}, bodies(messages(t, pop("attemptId=1").Body)), "the same attempt gets the same")

	clock.Advance(10 * time.Second)
	again := pop("")
	require.Equal(t, []string{"a", "b"}, bodies(messages(t, again.Body)))
	require.Contains(t, again.Ext["orderCountInfo"], "0 qo0%0 2")
	for _, offset := range []string{"0", "1"} {
		require.Empty(t, pop("").Body)
		p.call(codec.ReqAckMessage, ackFields("News", 0, offset, handleOf(t, again, 0, offset)), "")
	}
	require.Equal(t, []string{"c"}, bodies(messages(t, pop("").Body)))
}

func TestPeekTakesNothing(t *testing.T) {
	_, clock, p := poppers(t)
	peek := func() *codec.Command { return p.call(codec.ReqPeekMessage, popFields(clock, ""), "") }
	require.Equal(t, codec.ResPullNotFound, peek().Code)
	p.send("News", 0, "x", "")
	require.Equal(t, []string{"x"}, bodies(messages(t, peek().Body)))
	require.Equal(t, []string{"x"}, bodies(messages(t, peek().Body)))
}

func TestBrokerAssignsQueues(t *testing.T) {
	cl := start(t, embedded.Options{Brokers: []embedded.BrokerOptions{{Name: "broker-a"}, {Name: "broker-b"}}})
	require.NoError(t, cl.CreateTopic("News", 2))
	b := cl.Broker("broker-a")
	c1, c2 := dial(t, b.Addr()), dial(t, b.Addr())
	c1.beat("c1", []string{"g:News"})
	c2.beat("c2", []string{"g:News"})
	ask := func(p *peer, client, topic string) string {
		return string(p.ok(codec.ReqQueryAssignment, "", `{"clientId":"`+client+`","consumerGroup":"g","messageModel":"CLUSTERING","strategyName":"AVG","topic":"`+topic+`"}`).Body)
	}
	require.Equal(t, `{"messageQueueAssignments":[`+
		`{"messageQueue":{"brokerName":"broker-b","queueId":0,"topic":"News"},"mode":"PULL"},`+
		`{"messageQueue":{"brokerName":"broker-b","queueId":1,"topic":"News"},"mode":"PULL"}]}`, ask(c2, "c2", "News"))
	c1.ok(codec.ReqSetMessageRequestMode, "", `{"topic":"News","consumerGroup":"g","mode":"POP","popShareQueueNum":0}`)
	require.Equal(t, `{"messageQueueAssignments":[`+
		`{"messageQueue":{"brokerName":"broker-a","queueId":-1,"topic":"News"},"mode":"POP"},`+
		`{"messageQueue":{"brokerName":"broker-b","queueId":-1,"topic":"News"},"mode":"POP"}]}`, ask(c2, "c2", "News"))
	require.Contains(t, ask(c1, "c1", "%RETRY%g"), `"mode":"PULL"`)
	require.Contains(t, string(c1.ok(codec.ReqGetAllMessageRequestMode, "", "").Body), `"mode":"POP"`)
}
