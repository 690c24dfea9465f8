package grpc_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// What users have reported of other proxies, by the issues of apache/rocketmq (#) and rocketmq-clients (cl#).

// none requires that nothing comes to a client, also when all leases of a minute have ended.
func none(t *testing.T, c *client, clock *embedded.ManualClock) {
	t.Helper()
	clock.Advance(time.Minute)
	req := receiveRequest("orders")
	req.LongPollingTimeout = durationpb.New(0)
	all, code := c.receive(req)
	require.Equal(t, pb.Code_MESSAGE_NOT_FOUND, code)
	require.Empty(t, all)
}

// #10278, #6232, #9128: the proxy that delivered messages is gone, and its clients have not sent Settings to another one.
func TestAnotherProxyAcknowledgesWhatOneHasDelivered(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		clock := embedded.NewManualClock(time.Now())
		f := start(t, on, embedded.Options{Clock: clock})
		other := proxytest.Start(t, on, proxytest.Options{NameServers: f.cluster.NameServers(), Listener: func(l *actors.Listener) { l.GRPC.Enabled = true }})
		c, elsewhere := f.client(), (&fixture{other, f.cluster}).client()
		handles := []string{}
		for range 4 {
			require.Equal(t, pb.Code_OK, c.send(message("orders", "x")).Status.Code)
		}
		for _, m := range c.receiveAll("orders", 4) {
			handles = append(handles, m.SystemProperties.GetReceiptHandle())
		}
		require.Equal(t, pb.Code_OK, elsewhere.ack("orders", handles...).Status.Code)
		none(t, elsewhere, clock)
	})
}

// #11174
func TestAnAcknowledgmentThatFailedCanBeRepeated(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		clock := embedded.NewManualClock(time.Now())
		f := start(t, on, embedded.Options{Clock: clock})
		c := f.client()
		require.Equal(t, pb.Code_OK, c.send(message("orders", "x")).Status.Code)
		handle := c.receiveAll("orders", 1)[0].SystemProperties.GetReceiptHandle()
		f.cluster.Brokers()[0].Fault(codec.ReqAckMessage, embedded.Answer(codec.ResServiceNotAvailable, "not now").Once())
		require.Equal(t, pb.Code_INTERNAL_SERVER_ERROR, c.ack("orders", handle).Status.Code)
		require.Equal(t, pb.Code_OK, c.ack("orders", handle).Status.Code)
		none(t, c, clock)
	})
}

// #9583
func TestAHandleThatReplacesAnotherAcknowledges(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		clock := embedded.NewManualClock(time.Now())
		f := start(t, on, embedded.Options{Clock: clock})
		c := f.client()
		require.Equal(t, pb.Code_OK, c.send(message("orders", "x")).Status.Code)
		handle := c.receiveAll("orders", 1)[0].SystemProperties.GetReceiptHandle()
		r := call[pb.ChangeInvisibleDurationResponse](c, "ChangeInvisibleDuration", &pb.ChangeInvisibleDurationRequest{
			Topic: resource("orders"), Group: resource("group"), ReceiptHandle: handle, InvisibleDuration: durationpb.New(20 * time.Second),
		})
		require.Equal(t, pb.Code_OK, r.Status.Code, r.Status.Message)
		require.NotEqual(t, handle, r.ReceiptHandle)
		require.Equal(t, pb.Code_OK, c.ack("orders", r.ReceiptHandle).Status.Code)
		none(t, c, clock)
	})
}

// #11139
func TestAReceiveWithoutADeadlineIsServed(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		c := f.client()
		require.Equal(t, pb.Code_OK, c.send(message("orders", "x")).Status.Code)
		ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(context.Background(), "x-mq-client-id", c.id))
		defer cancel()
		req := receiveRequest("orders")
		req.LongPollingTimeout = nil
		stream := c.open(ctx, "ReceiveMessage", req)
		require.NoError(t, stream.CloseSend())
		m := &pb.ReceiveMessageResponse{}
		require.NoError(t, stream.RecvMsg(m))
		require.Equal(t, pb.Code_OK, m.GetStatus().GetCode())
	})
}

// #11049
func TestSeveralMessagesOfARequestHaveAnEntryEach(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		c := f.client()
		all := []*pb.Message{message("orders", "1"), message("orders", "2"), message("orders", "3")}
		r := call[pb.SendMessageResponse](c, "SendMessage", &pb.SendMessageRequest{Messages: all})
		require.Equal(t, pb.Code_OK, r.Status.Code, r.Status.Message)
		require.Len(t, r.Entries, 3)
		for i, e := range r.Entries {
			require.Equal(t, all[i].SystemProperties.MessageId, e.MessageId)
			require.Equal(t, r.Entries[0].Offset+int64(i), e.Offset)
		}
		require.Len(t, c.receiveAll("orders", 3), 3)
	})
}

// #10678
func TestAnAcknowledgmentOfNothingIsABadRequest(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		require.Equal(t, pb.Code_BAD_REQUEST, start(t, on, embedded.Options{}).client().ack("orders").Status.Code)
	})
}

// #9595, cl#358: SDKs refuse to send to a topic that takes messages of no known type.
func TestATopicWhoseTypeCannotBeFoundOutTakesEverything(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		f.cluster.Brokers()[0].Fault(codec.ReqGetTopicConfig, embedded.Answer(codec.ResSystemError, "broken"))
		c := f.client()
		r := call[pb.QueryRouteResponse](c, "QueryRoute", &pb.QueryRouteRequest{Topic: resource("orders")})
		require.Equal(t, pb.Code_OK, r.Status.Code)
		for _, q := range r.MessageQueues {
			require.Subset(t, q.AcceptMessageTypes, []pb.MessageType{pb.MessageType_NORMAL, pb.MessageType_FIFO, pb.MessageType_DELAY})
			require.NotContains(t, q.AcceptMessageTypes, pb.MessageType_MESSAGE_TYPE_UNSPECIFIED)
		}
		ordered := message("orders", "in order")
		ordered.SystemProperties.MessageGroup = proto.String("order-1")
		for _, m := range []*pb.Message{message("orders", "x"), ordered, lateMessage(time.Minute)} {
			require.Equal(t, pb.Code_OK, c.send(m).Status.Code)
		}
	})
}

// #10770, #7026
func TestABrokerThatIsDownHidesNoOther(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{Brokers: []embedded.BrokerOptions{{Name: "broker-a"}, {Name: "broker-b"}}})
		f.cluster.Brokers()[0].Stop()
		r := call[pb.QueryAssignmentResponse](f.client(), "QueryAssignment", &pb.QueryAssignmentRequest{Topic: resource("orders"), Group: resource("group")})
		require.Equal(t, pb.Code_OK, r.Status.Code, r.Status.Message)
		brokers := []string{}
		for _, a := range r.Assignments {
			brokers = append(brokers, a.MessageQueue.Broker.Name)
		}
		require.Contains(t, brokers, "broker-b")
	})
}

// A client that is believed could pass for another one in born hosts and in the log.
func TestAClientCannotSayWhereItComesFrom(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		c := f.client()
		ctx := metadata.AppendToOutgoingContext(c.context(10*time.Second), "rpc-remote-address", "192.0.2.1:99", "x-mq-channel-id", "other")
		r := &pb.SendMessageResponse{}
		require.NoError(t, c.conn.Invoke(ctx, path("SendMessage"), &pb.SendMessageRequest{Messages: []*pb.Message{message("orders", "x")}}, r))
		require.Equal(t, pb.Code_OK, r.Status.Code)
		require.NotContains(t, c.receiveAll("orders", 1)[0].SystemProperties.BornHost, "192.0.2.1")
	})
}
