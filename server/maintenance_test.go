package server

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// A broker, and then its whole cluster, goes into maintenance and comes back while a client stays connected.
func TestMaintenance(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	cluster := clusterTable("main", cl.NameServers()...)
	listener := listenerTable("office", "127.0.0.1:0", "")
	f := serveFile(t, cluster+listener)
	c, names := f.toBroker("office", "broker-a"), dial(t, f.Addr("office"))
	askCluster := func() int32 {
		answer := names.Call(&codec.Command{Code: codec.ReqGetBrokerClusterInfo})
		return answer.Code
	}
	c.mustSend("before")

	f.change(cluster + "maintenance_brokers = ['broker-a']\n" + listener)
	answer := c.Call(sendRequest("refused"))
	require.Equal(t, codec.ResServiceNotAvailable, answer.Code)
	require.Contains(t, answer.Remark, "broker broker-a/0, or its cluster, is in maintenance")
	require.Equal(t, codec.ResSuccess, askCluster(), "the others can be used")

	require.Contains(t, f.page("/brokers"), `"refused": true`)

	f.change(cluster + "maintenance = true\n" + listener)
	require.Equal(t, codec.ResServiceNotAvailable, askCluster())

	f.change(cluster + "maintenance_brokers = ['broker-b']\n" + listener)
	c.mustSend("after")
	require.Equal(t, codec.ResSuccess, askCluster())
	f.await(func() bool { return f.statistics().Counter("main", "maintenance_failure") == 2 }, "both refusals are counted")
}
