package grpc_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// version497 is V4_9_7 (MQVersion.java).
const version497 = 407

func lateMessage(wait time.Duration) *pb.Message {
	m := message("orders", "late")
	m.SystemProperties.DeliveryTimestamp = timestamppb.New(time.Now().Add(wait))
	return m
}

// Brokers before 5.0 would deliver it at once. The first call on a link finds out what its broker is.
func TestADelayIsRefusedForBrokersBefore5(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{Version: version497})
		c := f.client()
		for range 2 {
			r := c.send(lateMessage(time.Minute))
			require.Equal(t, pb.Code_UNSUPPORTED, r.Status.Code)
			require.Contains(t, r.Status.Message, "delay_levels")
		}
		require.Equal(t, pb.Code_OK, c.send(message("orders", "now")).Status.Code)
		require.Equal(t, 1, f.cluster.Brokers()[0].Requests(codec.ReqSendMessageV2), "nothing else was sent")
	})
}

func TestADelayBecomesALevelOfBrokersBefore5(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{Version: version497}, func(l *actors.Listener) { l.GRPC.DelayLevels = true })
		properties := make(chan string, 1)
		f.cluster.Brokers()[0].Fault(codec.ReqSendMessageV2, embedded.Drop().When(func(c *codec.Command) bool {
			properties <- c.Ext["i"]
			return false
		}))
		require.Equal(t, pb.Code_OK, f.client().send(lateMessage(time.Minute)).Status.Code)
		require.Contains(t, <-properties, "DELAY\x015\x02")
	})
}

func TestBrokersBefore5CannotBeReceivedFrom(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{Version: version497})
		_, code := f.client().receive(receiveRequest("orders"))
		require.Equal(t, pb.Code_VERSION_UNSUPPORTED, code)
	})
}

func TestEntriesAreAcknowledgedTogetherOrOneByOne(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		c, b := f.client(), f.cluster.Brokers()[0]
		acknowledge := func() {
			for range 4 {
				require.Equal(t, pb.Code_OK, c.send(message("orders", "x")).Status.Code)
			}
			handles := []string{"garbage"}
			for _, m := range c.receiveAll("orders", 4) {
				handles = append(handles, m.SystemProperties.GetReceiptHandle())
			}
			r := c.ack("orders", handles...)
			require.Equal(t, pb.Code_MULTIPLE_RESULTS, r.Status.Code)
			for i, e := range r.Entries {
				require.Equal(t, handles[i], e.ReceiptHandle)
				require.Equal(t, i > 0, e.Status.Code == pb.Code_OK)
			}
		}
		acknowledge()
		require.Equal(t, 1, b.Requests(codec.ReqBatchAckMessage))
		require.Zero(t, b.Requests(codec.ReqAckMessage))
		b.Fault(codec.ReqBatchAckMessage, embedded.Answer(codec.ResRequestCodeNotSupported, "before 5.1.3"))
		acknowledge()
		require.Equal(t, 4, b.Requests(codec.ReqAckMessage))
	})
}
