package grpc_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// fixture is a proxy that serves gRPC, before an embedded RocketMQ.
type fixture struct {
	*proxytest.Real
	cluster *embedded.Cluster
}

// start starts both, with one topic "orders" of each broker.
func start(t *testing.T, on proxytest.Sockets, o embedded.Options, configure ...func(l *actors.Listener)) *fixture {
	f := &fixture{cluster: proxytest.StartCluster(t, o)}
	for _, b := range f.cluster.Brokers() {
		require.NoError(t, b.CreateTopic("orders", 2))
	}
	f.Real = proxytest.Start(t, on, proxytest.Options{NameServers: f.cluster.NameServers(), Listener: func(l *actors.Listener) {
		l.GRPC.Enabled, l.GRPC.SelfSigned = true, true
		for _, c := range configure {
			c(l)
		}
	}})
	return f
}

// client is an SDK as the proxy sees it.
type client struct {
	t    testing.TB
	conn *grpc.ClientConn
	id   string
}

var clients atomic.Int32

func (f *fixture) client() *client { return f.dial(insecure.NewCredentials()) }

func (f *fixture) secureClient() *client {
	return f.dial(credentials.NewTLS(&tls.Config{InsecureSkipVerify: true}))
}

func (f *fixture) dial(c credentials.TransportCredentials) *client {
	conn, err := grpc.NewClient(f.Tree.Listeners[0].Addr().String(), grpc.WithTransportCredentials(c))
	require.NoError(f.T, err)
	f.T.Cleanup(func() { conn.Close() })
	return &client{f.T, conn, fmt.Sprintf("host@1@%d@x", clients.Add(1))}
}

// context is that of a call, with a deadline.
func (c *client) context(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	c.t.Cleanup(cancel)
	if c.id == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "x-mq-client-id", c.id, "x-mq-language", "GO")
}

func path(method string) string { return "/apache.rocketmq.v2.MessagingService/" + method }

// call is a unary call.
func call[A any, PA interface {
	*A
	proto.Message
}](c *client, method string, request proto.Message) PA {
	answer := PA(new(A))
	require.NoError(c.t, c.conn.Invoke(c.context(10*time.Second), path(method), request, answer))
	return answer
}

func resource(name string) *pb.Resource { return &pb.Resource{Name: name} }

var ids atomic.Int32

func message(topic, body string) *pb.Message {
	return &pb.Message{Topic: resource(topic), Body: []byte(body), SystemProperties: &pb.SystemProperties{
		MessageId: fmt.Sprintf("ID%d", ids.Add(1)), MessageType: pb.MessageType_NORMAL, Tag: proto.String("tag"), Keys: []string{"key"},
	}, UserProperties: map[string]string{"own": "property"}}
}

func (c *client) send(m *pb.Message) *pb.SendMessageResponse {
	return call[pb.SendMessageResponse](c, "SendMessage", &pb.SendMessageRequest{Messages: []*pb.Message{m}})
}

// open begins a stream with its first message.
func (c *client) open(ctx context.Context, method string, first proto.Message) grpc.ClientStream {
	stream, err := c.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: method == "Telemetry"}, path(method))
	require.NoError(c.t, err)
	require.NoError(c.t, stream.SendMsg(first))
	return stream
}

func receiveRequest(topic string) *pb.ReceiveMessageRequest {
	return &pb.ReceiveMessageRequest{
		Group: resource("group"), MessageQueue: &pb.MessageQueue{Topic: resource(topic)}, BatchSize: 32,
		InvisibleDuration: durationpb.New(10 * time.Second), LongPollingTimeout: durationpb.New(5 * time.Second),
	}
}

// receive returns the messages of a receive, or the code that it has ended with.
func (c *client) receive(req *pb.ReceiveMessageRequest) (messages []*pb.Message, code pb.Code) {
	stream := c.open(c.context(10*time.Second), "ReceiveMessage", req)
	require.NoError(c.t, stream.CloseSend())
	for {
		m := &pb.ReceiveMessageResponse{}
		require.NoError(c.t, stream.RecvMsg(m))
		switch {
		case m.GetStatus() != nil:
			require.Empty(c.t, messages, "the status comes first")
			code = m.GetStatus().Code
		case m.GetMessage() != nil:
			messages = append(messages, m.GetMessage())
		default:
			require.NotNil(c.t, m.GetDeliveryTimestamp(), "the timestamp ends it")
			return messages, code
		}
	}
}

// receiveAll receives until as many messages have come.
func (c *client) receiveAll(topic string, n int) (all []*pb.Message) {
	for len(all) < n {
		got, code := c.receive(receiveRequest(topic))
		require.Contains(c.t, []pb.Code{pb.Code_OK, pb.Code_MESSAGE_NOT_FOUND}, code)
		all = append(all, got...)
	}
	return all
}

func (c *client) ack(topic string, handles ...string) *pb.AckMessageResponse {
	req := &pb.AckMessageRequest{Topic: resource(topic), Group: resource("group")}
	for _, h := range handles {
		req.Entries = append(req.Entries, &pb.AckMessageEntry{ReceiptHandle: h})
	}
	return call[pb.AckMessageResponse](c, "AckMessage", req)
}

// telemetry opens the stream of a producer and returns it with the settings that were answered.
func (c *client) telemetry(s *pb.Settings) (grpc.ClientStream, *pb.Settings) {
	stream := c.open(c.context(time.Minute), "Telemetry", &pb.TelemetryCommand{Command: &pb.TelemetryCommand_Settings{Settings: s}})
	answer := &pb.TelemetryCommand{}
	require.NoError(c.t, stream.RecvMsg(answer))
	require.Equal(c.t, pb.Code_OK, answer.Status.Code)
	return stream, answer.GetSettings()
}

func producerOf(topic string) *pb.Settings {
	kind := pb.ClientType_PRODUCER
	return &pb.Settings{ClientType: &kind, PubSub: &pb.Settings_Publishing{Publishing: &pb.Publishing{Topics: []*pb.Resource{resource(topic)}}}}
}

// createTopic makes a topic of a type.
func (f *fixture) createTopic(name, kind string) {
	c := proxytest.Dial(f.T, f.Port(proxytest.BrokerA))
	defer c.Close()
	answer := c.Call(&codec.Command{Code: codec.ReqUpdateAndCreateTopic, Ext: map[string]string{
		"topic": name, "defaultTopic": "TBW102", "readQueueNums": "2", "writeQueueNums": "2", "perm": "6", "topicFilterType": "SINGLE_TAG",
		"topicSysFlag": "0", "order": "false", "attributes": "+message.type=" + kind,
	}})
	require.Equal(f.T, codec.ResSuccess, answer.Code, answer.Remark)
}

// polls tells of each pop that reaches the first broker, from now on.
func (f *fixture) polls() <-chan struct{} {
	polled := make(chan struct{}, 100)
	f.cluster.Brokers()[0].Fault(codec.ReqPopMessage, embedded.Drop().When(func(*codec.Command) bool {
		polled <- struct{}{}
		return false
	}))
	return polled
}

// actorsOf lists the actors of a kind.
func (f *fixture) actorsOf(kind string) []string { return f.Actors(kind) }

// counted reads one of the proxy's own metrics, whose name begins with "rocketmq_proxy_"; 0: there is none.
func (f *fixture) counted(name string) int { return int(f.Metrics()[name]) }
