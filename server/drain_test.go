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
	cl, b := drainCluster(t)
	d := startDrained(t, cl, nil)
	held := b.Fault(codec.ReqSendMessage, embedded.Hold().Once())
	young, old := callFrom(t, d.broker, codec.Version5_5_0), callFrom(t, d.broker, oldClient)
	edge, names := callFrom(t, d.broker, codec.Version5_3_1), callFrom(t, d.Addr("main"), codec.Version5_5_0)
	others := b.Fault(codec.ReqGetMinOffset, embedded.Hold())
	old.busy(others)
	edge.busy(others)
	asked := cl.NameServer(0).Fault(codec.ReqGetAllTopicListFromNameServer, embedded.Hold())
	names.write(codec.ReqGetAllTopicListFromNameServer, 0, nil, "")
	require.NoError(t, asked.WaitHeld(drainContext(t), 1))
	sent := young.write(codec.ReqSendMessage, 0, oneMessage(), "hello")
	require.NoError(t, held.WaitHeld(drainContext(t), 1))
	d.counted(4)

	d.Drain()
	d.Drain() // twice is once
	d.logged("drain started, not ready", "connections=4", "in_flight=4")
	d.logged("listening sockets closed", "connections=4")
	d.logged("letting clients go")
	require.False(t, d.Ready())
	_, err := net.Dial("tcp", d.broker)
	require.Error(t, err)

	oneway := b.Requests(codec.ReqSendMessageV2)
	young.write(codec.ReqSendMessageV2, codec.FlagOneway, map[string]string{"a": "pg", "b": "T", "c": "TBW102", "d": "4", "e": "0", "f": "0", "g": "1700000000000", "h": "0"}, "oneway")
	refused := young.write(codec.ReqGetMaxOffset, 0, maxOffset, "")
	away := young.read()
	require.Equal(t, refused, away.Opaque)
	require.Equal(t, codec.ResGoAway, away.Code)
	require.NoError(t, b.WaitRequests(drainContext(t), codec.ReqSendMessageV2, oneway+1))
	for _, c := range []*caller{old, edge} {
		require.Equal(t, codec.ResSuccess, c.call(codec.ReqGetMaxOffset, maxOffset).Code, "it does not know 1500")
	}
	require.Equal(t, codec.ResGoAway, names.call(codec.ReqGetRouteInfoByTopic, map[string]string{"topic": "T"}).Code)

	held.Release()
	answer := young.read()
	require.Equal(t, sent, answer.Opaque)
	require.Equal(t, codec.ResSuccess, answer.Code)
	others.Remove()
	asked.Remove()
	for _, c := range []*caller{old, edge, names} {
		require.Equal(t, codec.ResSuccess, c.read().Code)
	}
	for _, c := range []*caller{young, old, edge, names} {
		c.closed()
	}
	d.end()
	d.logged("msg=drained")
}

func TestDrainSendsNobodyAwayWhenToldNotTo(t *testing.T) {
	cl, b := drainCluster(t)
	d := startDrained(t, cl, func(c *config.Config) { c.DrainGoAway = false })
	young := callFrom(t, d.broker, codec.Version5_5_0)
	held := b.Fault(codec.ReqGetMinOffset, embedded.Hold())
	young.busy(held)
	d.Drain()
	d.logged("letting clients go")
	require.Equal(t, codec.ResSuccess, young.call(codec.ReqGetMaxOffset, maxOffset).Code)
	held.Remove()
	require.Equal(t, codec.ResSuccess, young.read().Code)
	young.closed()
	d.end()
}

// A long poll keeps its connection until the broker answers it.
func TestDrainWaitsForALongPoll(t *testing.T) {
	cl, b := drainCluster(t)
	d := startDrained(t, cl, nil)
	c := callFrom(t, d.broker, oldClient)
	c.write(codec.ReqHeartBeat, 0, nil, fmt.Sprintf(heartbeatOf, "c1"))
	require.Equal(t, codec.ResSuccess, c.read().Code)
	pulled := c.write(codec.ReqPullMessage, 0, longPull("0"), "")
	require.NoError(t, b.WaitRequests(drainContext(t), codec.ReqPullMessage, 1))
	d.counted(1)
	d.Drain()
	d.logged("letting clients go", "connections=1", "in_flight=1")
	direct := callFrom(t, b.Addr(), oldClient)
	direct.write(codec.ReqSendMessage, 0, oneMessage(), "wake up")
	require.Equal(t, codec.ResSuccess, direct.read().Code)
	answer := c.read()
	require.Equal(t, pulled, answer.Opaque)
	require.Equal(t, codec.ResSuccess, answer.Code)
	c.closed()
	d.end()
}

func TestDrainTimeoutCutsOff(t *testing.T) {
	cl, b := drainCluster(t)
	d := startDrained(t, cl, func(c *config.Config) { c.DrainTimeout = 300 * time.Millisecond })
	held := b.Fault(codec.ReqSendMessage, embedded.Hold())
	c := callFrom(t, d.broker, oldClient)
	c.write(codec.ReqSendMessage, 0, oneMessage(), "x")
	require.NoError(t, held.WaitHeld(drainContext(t), 1))
	d.counted(1)
	d.Drain()
	c.closed()
	d.end()
	d.logged("drain timeout, closing remaining clients", "connections=1", "in_flight=1", "? 127.0.0.1:", "(1 in flight)")
}

// For drain_delay everything goes on, except that the proxy is not ready.
func TestDrainDelay(t *testing.T) {
	cl, _ := drainCluster(t)
	d := startDrained(t, cl, func(c *config.Config) { c.DrainDelay = time.Hour })
	d.Drain()
	d.logged("drain started, not ready", "drain_delay_seconds=3600")
	resp, err := http.Get("http://" + d.AdminAddr() + "/readyz")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	c := callFrom(t, d.broker, codec.Version5_5_0)
	require.Equal(t, codec.ResSuccess, c.call(codec.ReqGetMaxOffset, maxOffset).Code)
	d.kill() // a second signal does not wait for it
	require.ErrorIs(t, <-d.ended, ErrStoppedAtOnce)
}
