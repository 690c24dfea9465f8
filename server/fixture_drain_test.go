package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// oldClient understands no GO_AWAY.
const oldClient = codec.Version4_9_4

// drained is a proxy that a test drains.
type drained struct {
	*running
	broker string // its port for broker-a
}

// startDrained starts a proxy in front of cl and waits until it is ready.
func startDrained(t *testing.T, cl *embedded.Cluster, change func(*config.Config)) *drained {
	t.Helper()
	d := &drained{running: run(t, configFor(t, cl.NameServers(), change))}
	d.logged("msg=ready")
	for _, l := range d.proxy.Tree().Listeners {
		place, ok := l.PortOf(brokerA)
		require.True(t, ok)
		d.broker = fmt.Sprintf("127.0.0.1:%d", place.Port)
	}
	return d
}

var brokerA = route.BrokerID{Name: "broker-a"}

// counted waits until the statistics, which are a moment late, know of n requests in flight.
func (d *drained) counted(n int) {
	d.t.Helper()
	require.Eventually(d.t, func() bool { return d.statistics().Active() == n }, patience, time.Millisecond)
}

// caller is a client of some version that does nothing by itself.
type caller struct{ *client }

func callFrom(t *testing.T, address string, version int32) *caller {
	t.Helper()
	c := dial(t, address)
	c.version = version
	return &caller{c}
}

func (c *caller) write(code, flag int32, ext map[string]string, body string) int32 {
	c.t.Helper()
	require.NoError(c.t, c.put(code, flag, ext, []byte(body)))
	return c.opaque
}

// read returns the next answer; what the broker asks of its own accord is passed over.
func (c *caller) read() *codec.Command {
	c.t.Helper()
	for {
		c.conn.SetReadDeadline(time.Now().Add(patience))
		cmd, err := c.client.read()
		require.NoError(c.t, err)
		if cmd.IsResponse() {
			return cmd
		}
	}
}

func (c *caller) call(code int32, ext map[string]string) *codec.Command {
	c.t.Helper()
	c.write(code, 0, ext, "")
	return c.read()
}

// busy has a request of the caller in flight, so that a drain does not let it go, until the fault is removed.
func (c *caller) busy(held *embedded.FaultHandle) {
	c.t.Helper()
	before := held.Held()
	c.write(codec.ReqGetMinOffset, 0, maxOffset, "")
	require.NoError(c.t, held.WaitHeld(drainContext(c.t), before+1))
}

func (c *caller) closed() {
	c.t.Helper()
	c.conn.SetReadDeadline(time.Now().Add(patience))
	_, err := c.client.read()
	require.Error(c.t, err)
	var timeout net.Error
	require.False(c.t, errors.As(err, &timeout) && timeout.Timeout(), "the connection is still open")
}

var maxOffset = map[string]string{"topic": "T", "queueId": "0"}

func oneMessage() map[string]string {
	return map[string]string{
		"producerGroup": "pg", "topic": "T", "defaultTopic": "TBW102", "defaultTopicQueueNums": "4", "queueId": "0",
		"sysFlag": "0", "bornTimestamp": "1700000000000", "flag": "0", "properties": "", "reconsumeTimes": "0", "unitMode": "false", "batch": "false",
	}
}

func longPull(offset string) map[string]string {
	return map[string]string{
		"consumerGroup": "g", "topic": "T", "queueId": "0", "queueOffset": offset, "maxMsgNums": "32", "sysFlag": "6",
		"commitOffset": "0", "suspendTimeoutMillis": "15000", "subscription": "*", "subVersion": "0", "expressionType": "TAG",
	}
}

const heartbeatOf = `{"clientID":%q,"consumerDataSet":[{"consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET","consumeType":"CONSUME_PASSIVELY",` +
	`"groupName":"g","messageModel":"CLUSTERING","subscriptionDataSet":[{"classFilterMode":false,"codeSet":[],"expressionType":"TAG",` +
	`"subString":"*","subVersion":1,"tagsSet":[],"topic":"T"}],"unitMode":false}],"producerDataSet":[]}`

func drainCluster(t *testing.T) (*embedded.Cluster, *embedded.Broker) {
	t.Helper()
	cl, err := embedded.Start(embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	require.NoError(t, cl.CreateTopic("T", 4))
	return cl, cl.Broker("broker-a")
}

func drainContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}
