package embedded_test

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

func ids(p *peer, group string) string {
	return string(p.ok(codec.ReqGetConsumerListByGroup, "consumerGroup="+group, "").Body)
}

func TestMembersAreToldOfEachOther(t *testing.T) {
	cl := start(t, embedded.Options{})
	b := cl.Broker("broker-a")
	c1, c2 := dial(t, b.Addr()), dial(t, b.Addr())
	require.Equal(t, codec.ResSystemError, c1.call(codec.ReqGetConsumerListByGroup, ext("consumerGroup=g"), "").Code)

	c1.beat("c1", []string{"g:News"})
	require.Equal(t, codec.ReqNotifyConsumerIDsChanged, c1.push().Code)
	require.Contains(t, b.Topics(), "%RETRY%g")
	c2.beat("c2", []string{"g:News"})
	push := c1.push()
	require.Equal(t, codec.ReqNotifyConsumerIDsChanged, push.Code)
	require.True(t, push.IsOneway())
	require.Equal(t, "g", push.Ext["consumerGroup"])
	require.Equal(t, `{"consumerIdList":["c1","c2"]}`, ids(c1, "g"))

	c2.push()
	c1.ok(codec.ReqUnregisterClient, "clientID=c1 consumerGroup=g", "")
	require.Equal(t, codec.ReqNotifyConsumerIDsChanged, c2.push().Code)
	require.Equal(t, `{"consumerIdList":["c2"]}`, ids(c1, "g"))
}

func TestConnectionStandsForItsMember(t *testing.T) {
	cl := start(t, embedded.Options{})
	b := cl.Broker("broker-a")
	shared := dial(t, b.Addr())
	shared.beat("c1", []string{"g:News"}, "pg")
	shared.beat("c2", []string{"g:News"}, "pg")
	require.Equal(t, []string{"c2"}, b.Members("g"), "the later client replaces the earlier one")
	shared.ok(codec.ReqUnregisterClient, "clientID=c1 consumerGroup=g", "")
	require.Empty(t, b.Members("g"), "whichever client is named, the connection leaves")
}

func TestEndOfConnectionEndsMembership(t *testing.T) {
	cl := start(t, embedded.Options{})
	b := cl.Broker("broker-a")
	stays, closes, halves := dial(t, b.Addr()), dial(t, b.Addr()), dial(t, b.Addr())
	stays.beat("stays", []string{"g:News"})
	closes.beat("closes", []string{"g:News"}, "pg")
	halves.beat("halves", []string{"g:News"})
	require.Len(t, b.Clients(), 3)
	closes.nc.Close()
	members, err := b.WaitMembers(patience(t), "g", 2)
	require.NoError(t, err)
	require.Equal(t, []string{"halves", "stays"}, members)
	require.NoError(t, halves.nc.(*net.TCPConn).CloseWrite())
	members, err = b.WaitMembers(patience(t), "g", 1)
	require.NoError(t, err)
	require.Equal(t, []string{"stays"}, members)
	for range 5 { // itself, two came, two went
		require.Equal(t, codec.ReqNotifyConsumerIDsChanged, stays.push().Code)
	}
}

func TestSecondKindOfHeartbeatBringsNoSubscriptions(t *testing.T) {
	cl := start(t, embedded.Options{})
	b := cl.Broker("broker-a")
	p := dial(t, b.Addr())
	p.send("News", 0, "x", "")
	beat := func(more string) *codec.Command {
		return p.ok(codec.ReqHeartBeat, "", heartbeatBody("c1", more, []string{"g:News"}))
	}
	short := heartbeatBody("c1", `"heartbeatFingerprint":9,"withoutSub":true,`, nil)
	answer := beat(`"heartbeatFingerprint":9,`)
	require.Equal(t, "true", answer.Ext["IS_SUPPORT_HEART_BEAT_V2"])
	require.Equal(t, "false", answer.Ext["IS_SUB_CHANGE"])
	p.ok(codec.ReqHeartBeat, "", short)
	pull := pullFields("g", "News", 0, 0, "sysFlag=0")
	require.Equal(t, codec.ResSuccess, p.call(codec.ReqPullMessage, pull, "").Code)
	require.Equal(t, "true", beat(`"heartbeatFingerprint":10,`).Ext["IS_SUB_CHANGE"])

	// A beat without subscriptions on a new connection makes a member that subscribes to nothing.
	again := dial(t, b.Addr())
	p.nc.Close()
	_, err := b.WaitMembers(patience(t), "g", 0)
	require.NoError(t, err)
	again.ok(codec.ReqHeartBeat, "", heartbeatBody("c1", `"heartbeatFingerprint":10,"withoutSub":true,`, []string{"g:News"}))
	require.Equal(t, []string{"c1"}, b.Members("g"))
	require.Equal(t, codec.ResSubscriptionNotExist, again.call(codec.ReqPullMessage, pull, "").Code)
}

func TestSilentClientIsClosed(t *testing.T) {
	cl, clock := manual(t, embedded.Options{})
	b := cl.Broker("broker-a")
	talks, silent := dial(t, b.Addr()), dial(t, b.Addr())
	talks.beat("talks", []string{"g:News"})
	silent.beat("silent", []string{"g:News"})
	for range 5 {
		clock.Advance(30 * time.Second)
		talks.beat("talks", []string{"g:News"})
		if b.Requests(codec.ReqHeartBeat) < 6 {
			silent.write(codec.ReqGetMaxOffset, ext("topic=News queueId=0"), "") // alive, but without heartbeats
		}
	}
	silent.closed()
	members, err := b.WaitMembers(patience(t), "g", 1)
	require.NoError(t, err)
	require.Equal(t, []string{"talks"}, members)
}

func TestLocksBelongToOneClient(t *testing.T) {
	cl, clock := manual(t, embedded.Options{})
	p := dial(t, cl.Broker("broker-a").Addr())
	body := func(client string) string {
		return `{"clientId":"` + client + `","consumerGroup":"g","mqSet":[{"brokerName":"broker-a","queueId":0,"topic":"News"}]}`
	}
	const got = `{"lockOKMQSet":[{"brokerName":"broker-a","queueId":0,"topic":"News"}]}`
	const none = `{"lockOKMQSet":[]}`
	lock := func(client string) string { return string(p.ok(codec.ReqLockBatchMQ, "", body(client)).Body) }
	require.Equal(t, got, lock("c1"))
	require.Equal(t, got, lock("c1"))
	require.Equal(t, none, lock("c2"))
	p.ok(codec.ReqUnlockBatchMQ, "", body("c2"))
	require.Equal(t, none, lock("c2"))
	p.ok(codec.ReqUnlockBatchMQ, "", body("c1"))
	require.Equal(t, got, lock("c2"))
	clock.Advance(61 * time.Second)
	require.Equal(t, got, lock("c1"), "a lock that nobody renews expires")
}

// The body is librocketmq's: enumerations as numbers, versions as texts.
func TestHeartbeatOfTheCPPClientIsRead(t *testing.T) {
	cl := start(t, embedded.Options{})
	b := cl.Broker("broker-a")
	p := dial(t, b.Addr())
	p.ok(codec.ReqHeartBeat, "", `{"clientID":"c1","consumerDataSet":[{"consumeFromWhere":0,"consumeType":1,"groupName":"g",`+
		`"messageModel":1,"subscriptionDataSet":[{"codeSet":["0"],"subString":"*","subVersion":"1795828800000",`+
		`"tagsSet":["*"],"topic":"News"}]}],"producerDataSet":[]}`+"\n")
	require.Equal(t, []string{"c1"}, b.Members("g"))
	connection := string(p.ok(codec.ReqGetConsumerConnectionList, "consumerGroup=g", "").Body)
	for _, want := range []string{
		`"consumeFromWhere":"CONSUME_FROM_LAST_OFFSET"`, `"consumeType":"CONSUME_PASSIVELY"`,
		`"messageModel":"CLUSTERING"`, `"subVersion":1795828800000`,
	} {
		require.Contains(t, connection, want)
	}
}
