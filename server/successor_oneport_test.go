package server

import (
	"fmt"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// unhurried is the clock of brokers that wait ten times as long for their clients: on a busy machine two hand-overs may take more
// time than a poll has.
type unhurried struct{}

func (unhurried) Now() time.Time { return time.Now() }

func (unhurried) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(10*d, f).Stop
}

// twoBrokers are behind one port of proxies that succeed each other.
func twoBrokers(t *testing.T) (cl *embedded.Cluster, succeed func(c *config.Config)) {
	t.Helper()
	cl = rocketMQ(t, embedded.Options{Brokers: []embedded.BrokerOptions{{Name: "broker-a"}, {Name: "broker-b"}}, Clock: unhurried{}})
	address, path := freePort(t), filepath.Join(t.TempDir(), "s")
	return cl, func(c *config.Config) {
		l := &c.Listeners[0]
		l.Address, l.Brokers, l.BrokerPorts, l.Unnamed = address, config.OnePort, config.DefaultListener().BrokerPorts, config.Balance
		c.HandOver, c.Timeouts.OnePort = path, 0
	}
}

// at are the fields of a request with the name of its broker.
func at(broker string, ext map[string]string) map[string]string {
	named := map[string]string{"bname": broker}
	for k, v := range ext {
		named[k] = v
	}
	return named
}

// busyOnOnePort asks both brokers in turn, for routes, and now and then all that a client has links to.
func busyOnOnePort(client int) func(opaque int32) *codec.Command {
	return func(opaque int32) *codec.Command {
		switch opaque % 50 {
		case 10:
			return &codec.Command{Code: codec.ReqHeartBeat, Body: fmt.Appendf(nil, heartbeatOf, fmt.Sprint("busy", client))}
		case 20:
			return proxytest.RouteRequest("News")
		}
		return &codec.Command{Code: codec.ReqGetMaxOffset, Ext: at([]string{"broker-a", "broker-b"}[opaque%2], maxOffset)}
	}
}

// With hand_over no client of a one-port listener notices either: its links to all brokers go on in the successor, with its
// registrations and what is in flight in both directions.
func TestSuccessorIsHandedTheConnectionsToOnePort(t *testing.T) {
	t.Parallel()
	cl, succeed := twoBrokers(t)
	a, b := cl.Broker("broker-a"), cl.Broker("broker-b")
	first := start(t, cl, succeed)
	address := first.Addr("main")

	member := dialAs(t, address, oldClient)
	for _, broker := range []string{"broker-a", "broker-b"} {
		require.Equal(t, codec.ResSuccess, member.code(codec.ReqGetMaxOffset, at(broker, maxOffset)))
	}
	member.Send(&codec.Command{Code: codec.ReqHeartBeat, Body: fmt.Appendf(nil, heartbeatOf, "c1")})
	require.Equal(t, codec.ResSuccess, member.answer().Code)
	before := [][]embedded.Client{a.Clients(), b.Clients()}
	pulled := member.Send(&codec.Command{Code: codec.ReqPullMessage, Ext: at("broker-b", longPull("0"))})
	require.NoError(t, b.WaitRequests(patiently(t), codec.ReqPullMessage, 1))

	// What brokers ask the client, under one opaque each, is answered when the successor has it.
	admin := dialAs(t, b.Addr(), oldClient)
	asked := admin.Send(&codec.Command{Code: codec.ReqGetConsumerRunningInfo, Ext: map[string]string{"consumerGroup": "g", "clientId": "c1"}})
	var push *codec.Command
	for push == nil || push.Code != codec.ReqGetConsumerRunningInfo {
		push = member.Next()
	}

	held := b.Fault(codec.ReqSendMessageV2, embedded.Hold().Once())
	sender := dialAs(t, address, oldClient)
	send := sendRequest("hello")
	send.Ext = at("broker-b", sendExt)
	send.Ext["n"] = "broker-b"
	sent := sender.Send(send)
	require.NoError(t, held.WaitHeld(patiently(t), 1))
	busy := make([]*wanderer, 20)
	for i := range busy {
		busy[i] = &wanderer{version: oldClient, ask: busyOnOnePort(i)}
	}
	stopBusy := runAll(t, address, busy)

	second := start(t, cl, func(c *config.Config) {
		succeed(c)
		c.Transport.IOUring = otherIOUring()
	})
	first.Drain()
	first.end()
	first.logged("connections handed over", "connections=0", "handed_over=22")
	second.logged(`msg="connections adopted" count=22 refused=0 listeners.main=22`)
	start(t, cl, succeed)
	second.Drain()
	second.end()
	second.logged("connections handed over", "connections=0", "handed_over=22")

	count := func(of func(w *wanderer) int64) int64 { return sum(busy, of) }
	done := count(func(w *wanderer) int64 { return w.asked.Load() })
	require.Eventually(t, func() bool { return count(func(w *wanderer) int64 { return w.asked.Load() }) > done+1000 }, patience, time.Millisecond)
	stopBusy()
	require.Zero(t, count(func(w *wanderer) int64 { return w.refused.Load() + w.lost.Load() + w.moves.Load() + w.failed.Load() }), "clients that noticed")
	require.Subset(t, a.Clients(), before[0], "the brokers have the same member on the same connection")
	require.Subset(t, b.Clients(), before[1])

	member.Answer(push, "running")
	answer := admin.answer()
	require.Equal(t, asked, answer.Opaque)
	require.Equal(t, "running", string(answer.Body))
	held.Release() // the message wakes the long poll
	answer = sender.answer()
	require.Equal(t, sent, answer.Opaque)
	require.Equal(t, codec.ResSuccess, answer.Code, answer.Remark)
	answer = member.answer()
	require.Equal(t, pulled, answer.Opaque)
	require.Equal(t, codec.ResSuccess, answer.Code)

	// The successor knows the client's heartbeat: the member is back by itself after a loss.
	require.NoError(t, b.Restart())
	_, err := b.WaitMembers(patiently(t), "g", 1)
	require.NoError(t, err)
}

// The time of a request that a broker does not answer goes on in the successor, which answers it then.
func TestASuccessorAnswersForABrokerThatIsSlow(t *testing.T) {
	t.Parallel()
	cl, succeed := twoBrokers(t)
	within := func(c *config.Config) { succeed(c); c.Timeouts.OnePort = time.Second }
	first := start(t, cl, within)
	b := cl.Broker("broker-b")
	b.Fault(codec.ReqGetMinOffset, embedded.Drop())
	c := dialAs(t, first.Addr("main"), oldClient)
	c.Send(&codec.Command{Code: codec.ReqGetMinOffset, Ext: at("broker-b", maxOffset)})
	require.NoError(t, b.WaitRequests(patiently(t), codec.ReqGetMinOffset, 1))
	second := start(t, cl, within)
	first.Drain()
	first.end()
	second.logged(`msg="connections adopted" count=1 refused=0 listeners.main=1`)
	require.Contains(t, c.answer().Remark, "timeouts.one_port")
	require.Equal(t, codec.ResSuccess, c.code(codec.ReqGetMaxOffset, at("broker-b", maxOffset)))
}

// A successor that knows one of the brokers only does not take the client: nobody could tell what the other was asked.
func TestASuccessorThatDoesNotKnowABrokerTakesNoClientOfIt(t *testing.T) {
	t.Parallel()
	cl, succeed := twoBrokers(t)
	first := start(t, cl, succeed)
	both, one := dialAs(t, first.Addr("main"), oldClient), dialAs(t, first.Addr("main"), oldClient)
	require.Equal(t, codec.ResSuccess, both.code(codec.ReqGetMaxOffset, at("broker-b", maxOffset)))
	require.Equal(t, codec.ResSuccess, one.code(codec.ReqGetMaxOffset, at("broker-a", maxOffset)))
	other := rocketMQ(t, embedded.Options{})
	second := start(t, other, succeed)
	first.Drain()
	first.logged("successor refused a connection", "listener main knows no broker broker-b/0")
	both.Ends()
	first.end()
	second.logged(`msg="connections adopted" count=1 refused=1`)
	require.Equal(t, codec.ResSuccess, one.code(codec.ReqGetMaxOffset, at("broker-a", maxOffset)))
}

// The same of a client of a one-port listener, which has several links, owes a broker an answer, and acks without handles.
func TestAConnectionToOnePortIsTheSameAfterAHandOver(t *testing.T) {
	t.Parallel()
	cl, succeed := twoBrokers(t)
	a, b := cl.Broker("broker-a"), cl.Broker("broker-b")
	first := start(t, cl, succeed)
	c := dialAs(t, first.Addr("main"), oldClient)
	send := sendRequest("hello")
	send.Ext = at("", sendExt)
	send.Ext["n"] = "broker-a"
	require.Equal(t, codec.ResSuccess, c.Call(send).Code)
	require.Equal(t, codec.ResSuccess, c.code(codec.ReqGetMaxOffset, at("broker-b", maxOffset)))
	c.Send(&codec.Command{Code: codec.ReqHeartBeat, Body: fmt.Appendf(nil, heartbeatOf, "c1")})
	require.Equal(t, codec.ResSuccess, c.answer().Code)
	pop := func(broker, pollTime string) *codec.Command {
		return &codec.Command{Code: codec.ReqPopMessage, Ext: at(broker, map[string]string{
			"consumerGroup": "g", "topic": "News", "queueId": "-1", "maxMsgNums": "32", "invisibleTime": "60000", "pollTime": pollTime,
			"bornTime": fmt.Sprint(time.Now().UnixMilli()), "initMode": "0", "expType": "TAG", "exp": "*", "order": "false",
		})}
	}
	popped := c.Call(pop("broker-a", "0"))
	require.Equal(t, codec.ResSuccess, popped.Code, popped.Remark)
	c.Send(pop("broker-b", "15000"))
	require.NoError(t, b.WaitRequests(patiently(t), codec.ReqPopMessage, 1))
	a.Fault(codec.ReqGetMinOffset, embedded.Drop())
	c.Send(&codec.Command{Code: codec.ReqGetMinOffset, Ext: at("broker-a", maxOffset)})
	require.NoError(t, a.WaitRequests(patiently(t), codec.ReqGetMinOffset, 1))
	admin := dialAs(t, b.Addr(), oldClient)
	admin.Send(&codec.Command{Code: codec.ReqGetConsumerRunningInfo, Ext: map[string]string{"consumerGroup": "g", "clientId": "c1"}})
	for c.Next().Code != codec.ReqGetConsumerRunningInfo {
	}

	before := look(t, first)
	require.Len(t, before.Pending, 2)
	haveValues(t, reflect.ValueOf(before), "Language", "Silent", "Age", "Broker", "Upstream", "Confirmed")
	haveValues(t, reflect.ValueOf(*before.OnePort))
	require.Len(t, before.OnePort.Links, 2)
	haveValues(t, reflect.ValueOf(before.OnePort.Links[1]))
	haveValues(t, reflect.ValueOf(before.OnePort.Pushes[0]))
	second := start(t, cl, succeed)
	first.Drain()
	first.end()
	require.Equal(t, before, look(t, second))

	// The ack goes where the pop came from, under its handle.
	var queue, offset int
	_, err := fmt.Sscanf(popped.Ext["msgOffsetInfo"], "0 %d %d", &queue, &offset)
	require.NoError(t, err, popped.Ext)
	require.Equal(t, codec.ResSuccess, c.code(codec.ReqAckMessageEnvoy, map[string]string{
		"consumerGroup": "g", "topic": "News", "queueId": fmt.Sprint(queue), "offset": fmt.Sprint(offset),
	}))
}
