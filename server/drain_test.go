package server

import (
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// What is in flight is answered; of what comes later only clients above 5.3.1 are sent away, and never a oneway
// request; then the connections close.
func TestDrainFinishesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	b := cl.Broker("broker-a")
	d := start(t, cl, nil)
	held := b.Fault(codec.ReqSendMessageV2, embedded.Hold().Once())
	young, old := dialAs(t, d.broker(), codec.Version5_5_0), dialAs(t, d.broker(), oldClient)
	edge, names := dialAs(t, d.broker(), codec.Version5_3_1), dialAs(t, d.Addr("main"), codec.Version5_5_0)
	others := b.Fault(codec.ReqGetMinOffset, embedded.Hold())
	old.busy(others)
	edge.busy(others)
	asked := cl.NameServer(0).Fault(codec.ReqGetAllTopicListFromNameServer, embedded.Hold())
	names.Send(&codec.Command{Code: codec.ReqGetAllTopicListFromNameServer})
	require.NoError(t, asked.WaitHeld(patiently(t), 1))
	sent := young.Send(sendRequest("hello"))
	require.NoError(t, held.WaitHeld(patiently(t), 1))
	d.counted(4)

	d.Drain()
	d.Drain() // twice is once
	d.logged("drain started, not ready", "connections=4", "in_flight=4")
	d.logged("listening sockets closed", "connections=4")
	d.logged("letting clients go")
	require.False(t, d.Ready())
	_, err := net.Dial("tcp", d.broker())
	require.Error(t, err)

	oneway := b.Requests(codec.ReqSendMessageV2)
	young.Send(&codec.Command{Code: codec.ReqSendMessageV2, Flag: codec.FlagOneway, Ext: sendExt, Body: []byte("oneway")})
	refused := young.Send(&codec.Command{Code: codec.ReqGetMaxOffset, Ext: maxOffset})
	away := young.answer()
	require.Equal(t, refused, away.Opaque)
	require.Equal(t, codec.ResGoAway, away.Code)
	require.NoError(t, b.WaitRequests(patiently(t), codec.ReqSendMessageV2, oneway+1))
	for _, c := range []*client{old, edge} {
		require.Equal(t, codec.ResSuccess, c.code(codec.ReqGetMaxOffset, maxOffset), "it does not know 1500")
	}
	require.Equal(t, codec.ResGoAway, names.code(codec.ReqGetRouteInfoByTopic, map[string]string{"topic": "News"}))

	held.Release()
	answer := young.answer()
	require.Equal(t, sent, answer.Opaque)
	require.Equal(t, codec.ResSuccess, answer.Code)
	others.Remove()
	asked.Remove()
	for _, c := range []*client{old, edge, names} {
		require.Equal(t, codec.ResSuccess, c.answer().Code)
	}
	for _, c := range []*client{young, old, edge, names} {
		c.Ends()
	}
	d.end()
	d.logged("msg=drained")
}

func TestDrainSendsNobodyAwayWhenToldNotTo(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	b := cl.Broker("broker-a")
	d := start(t, cl, func(c *config.Config) { c.DrainGoAway = false })
	young := dialAs(t, d.broker(), codec.Version5_5_0)
	held := b.Fault(codec.ReqGetMinOffset, embedded.Hold())
	young.busy(held)
	d.Drain()
	d.logged("letting clients go")
	require.Equal(t, codec.ResSuccess, young.code(codec.ReqGetMaxOffset, maxOffset))
	held.Remove()
	require.Equal(t, codec.ResSuccess, young.answer().Code)
	young.Ends()
	d.end()
}

// A long poll keeps its connection until the broker answers it.
func TestDrainWaitsForALongPoll(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	b := cl.Broker("broker-a")
	d := start(t, cl, nil)
	c := dialAs(t, d.broker(), oldClient)
	c.Send(&codec.Command{Code: codec.ReqHeartBeat, Body: []byte(fmt.Sprintf(heartbeatOf, "c1"))})
	require.Equal(t, codec.ResSuccess, c.answer().Code)
	pulled := c.Send(&codec.Command{Code: codec.ReqPullMessage, Ext: longPull("0")})
	require.NoError(t, b.WaitRequests(patiently(t), codec.ReqPullMessage, 1))
	d.counted(1)
	d.Drain()
	d.logged("letting clients go", "connections=1", "in_flight=1")
	direct := dialAs(t, b.Addr(), oldClient)
	direct.Send(sendRequest("wake up"))
	require.Equal(t, codec.ResSuccess, direct.answer().Code)
	answer := c.answer()
	require.Equal(t, pulled, answer.Opaque)
	require.Equal(t, codec.ResSuccess, answer.Code)
	c.Ends()
	d.end()
}

func TestDrainTimeoutCutsOff(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	b := cl.Broker("broker-a")
	d := start(t, cl, func(c *config.Config) { c.DrainTimeout = 300 * time.Millisecond })
	held := b.Fault(codec.ReqSendMessageV2, embedded.Hold())
	c := dialAs(t, d.broker(), oldClient)
	c.Send(sendRequest("x"))
	require.NoError(t, held.WaitHeld(patiently(t), 1))
	d.counted(1)
	d.Drain()
	c.Ends()
	d.end()
	d.logged("drain timeout, closing remaining clients", "connections=1", "in_flight=1", "? 127.0.0.1:", "(1 in flight)")
}

// For drain_delay everything goes on, except that the proxy is not ready.
func TestDrainDelay(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	d := start(t, cl, func(c *config.Config) { c.DrainDelay = time.Hour })
	d.Drain()
	d.logged("drain started, not ready", "drain_delay_seconds=3600")
	resp, err := http.Get("http://" + d.AdminAddr() + "/readyz")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	c := dialAs(t, d.broker(), codec.Version5_5_0)
	require.Equal(t, codec.ResSuccess, c.code(codec.ReqGetMaxOffset, maxOffset))
	d.kill() // a second signal does not wait for it
	require.ErrorIs(t, <-d.served, ErrStoppedAtOnce)
}
