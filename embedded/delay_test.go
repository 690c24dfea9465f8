package embedded_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

func netipAddrPort(t *testing.T, s string) netip.AddrPort {
	a, err := netip.ParseAddrPort(s)
	require.NoError(t, err)
	return a
}

func TestDelayedMessagesComeInTime(t *testing.T) {
	cl, clock := manual(t, embedded.Options{})
	b := cl.Broker("broker-a")
	p := dial(t, b.Addr())
	now := clock.Now().UnixMilli()
	p.send("News", 1, "level 2", "DELAY=2")
	p.send("News", 1, "timer", "TIMER_DELIVER_MS="+itoa(now+7000))
	p.send("News", 1, "seconds", "TIMER_DELAY_SEC=9")
	p.send("News", 1, "milliseconds", "TIMER_DELAY_MS=10500")
	require.Equal(t, codec.ResMessageIllegal, p.call(codec.ReqSendMessage, sendFields("News", 0, properties("TIMER_DELAY_SEC=999999")), "x").Code)
	for i, at := range []time.Duration{5000, 7000, 9000, 10500} {
		clock.Advance(at*time.Millisecond - clock.Now().Sub(time.UnixMilli(now)) - time.Millisecond)
		require.Len(t, b.Messages("News"), i)
		clock.Advance(time.Millisecond)
		require.Len(t, b.Messages("News"), i+1)
	}
	got := b.Messages("News")[0]
	require.Equal(t, "level 2", string(got.Body))
	require.Equal(t, int32(1), got.Queue)
	require.NotContains(t, got.Properties, "DELAY")
}

func TestDelayedMessageOutlivesARestart(t *testing.T) {
	cl, clock := manual(t, embedded.Options{})
	b := cl.Broker("broker-a")
	dial(t, b.Addr()).send("News", 0, "x", "DELAY=1")
	b.Stop()
	clock.Advance(time.Minute)
	require.Empty(t, b.Messages("News"))
	require.NoError(t, b.Restart())
	clock.Advance(0)
	require.Len(t, b.Messages("News"), 1)
}

func TestSendBackRetriesAndGivesUp(t *testing.T) {
	cl, clock := manual(t, embedded.Options{})
	b := cl.Broker("broker-a")
	p := dial(t, b.Addr())
	id := p.send("News", 0, "x", "").Ext["msgId"]
	offset := func(id string) string {
		raw, err := hex.DecodeString(id[16:])
		require.NoError(t, err)
		n, err := strconv.ParseInt(hex.EncodeToString(raw), 16, 64)
		require.NoError(t, err)
		return itoa(n)
	}
	p.ok(codec.ReqConsumerSendMsgBack, "group=g delayLevel=0 maxReconsumeTimes=1 offset="+offset(id), "")
	clock.Advance(10 * time.Second) // level 3
	retry := b.Messages("%RETRY%g")
	require.Len(t, retry, 1)
	require.Equal(t, int32(1), retry[0].Reconsumed)
	require.Equal(t, "News", retry[0].Properties["RETRY_TOPIC"])
	require.Equal(t, id, retry[0].Properties["ORIGIN_MESSAGE_ID"])

	p.ok(codec.ReqConsumerSendMsgBack, "group=g delayLevel=0 maxReconsumeTimes=1 offset="+offset(retry[0].ID), "")
	dead := b.Messages("%DLQ%g")
	require.Len(t, dead, 1)
	require.Equal(t, "x", string(dead[0].Body))
	require.Equal(t, codec.ResSystemError, p.call(codec.ReqConsumerSendMsgBack, ext("group=g delayLevel=0 offset=1"), "").Code)
}

func TestReplyFindsTheClientThatAsked(t *testing.T) {
	b, replier := outage(t)
	requester := dial(t, b.Addr())
	requester.beat("asker", nil, "pg")
	f := sendFields("DefaultCluster_REPLY_TOPIC", 0, properties("REPLY_TO_CLIENT=asker CORRELATION_ID=7"))
	opaque := replier.write(codec.ReqSendReplyMessage, f, "pong")
	push := requester.push()
	require.Equal(t, codec.ReqPushReplyMessageToClient, push.Code)
	require.Equal(t, "pong", string(push.Body))
	require.Contains(t, push.Ext["properties"], "CORRELATION_ID\x017")
	requester.writeCommand(&codec.Command{Code: 0, Opaque: push.Opaque, Flag: codec.FlagResponse})
	require.Equal(t, codec.ResSuccess, replier.answer(opaque).Code)

	f["properties"] = properties("REPLY_TO_CLIENT=nobody")
	require.Equal(t, codec.ResSystemError, replier.call(codec.ReqSendReplyMessage, f, "pong").Code)
}

func TestTimerMessageIsRecalled(t *testing.T) {
	cl, clock := manual(t, embedded.Options{})
	b := cl.Broker("broker-a")
	p := dial(t, b.Addr())
	kept := p.send("News", 0, "kept", "UNIQ_KEY=id1 TIMER_DELAY_SEC=5").Ext["recallHandle"]
	handle := p.send("News", 0, "recalled", "UNIQ_KEY=id2 TIMER_DELAY_SEC=5").Ext["recallHandle"]
	text, err := base64.URLEncoding.DecodeString(handle)
	require.NoError(t, err)
	require.Equal(t, "v1 News broker-a "+itoa(clock.Now().UnixMilli()+5001)+" id2", string(text))
	require.NotContains(t, p.send("News", 0, "x", "UNIQ_KEY=id3 DELAY=2").Ext, "recallHandle")

	recall := func(topic, handle string) *codec.Command {
		return p.call(codec.ReqRecallMessage, map[string]string{"producerGroup": "pg", "topic": topic, "recallHandle": handle}, "")
	}
	require.Equal(t, "id2", recall("News", handle).Ext["msgId"])
	require.Equal(t, codec.ResSuccess, recall("News", strings.TrimRight(handle, "=")).Code)
	require.Equal(t, codec.ResTopicNotExist, recall("Olds", handle).Code)
	require.Equal(t, codec.ResIllegalOperation, recall("TBW102", handle).Code)
	require.Equal(t, codec.ResIllegalOperation, recall("News", "v1 News broker-a").Code)
	require.Equal(t, codec.ResSystemError, p.call(codec.ReqRecallMessage, ext("topic=News"), "").Code)

	clock.Advance(6 * time.Second)
	var bodies []string
	for _, m := range b.Messages("News") {
		bodies = append(bodies, string(m.Body))
	}
	require.Equal(t, []string{"kept", "x"}, bodies)
	require.Equal(t, codec.ResIllegalOperation, recall("News", kept).Code, "its time has come")
}

func TestStoredMessageIsMarkedForTraces(t *testing.T) {
	cl := start(t, embedded.Options{})
	b := cl.Broker("broker-a")
	dial(t, b.Addr()).send("News", 0, "x", "TAGS=a")
	properties := b.Messages("News")[0].Properties
	require.Equal(t, "DefaultRegion", properties["MSG_REGION"])
	require.Equal(t, "true", properties["TRACE_ON"])
}
