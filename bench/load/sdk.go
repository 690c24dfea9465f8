//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/wire"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// sdk is one gRPC client as a candidate sees it: a connection, an id, and a stream on which it has told its settings, since
// Apache's proxy receives for nobody else.
type sdk struct {
	conn *grpc.ClientConn
	id   string
	told grpc.ClientStream
}

func (s *Spec) newSDK(n int) (*sdk, error) {
	conn, err := grpc.NewClient(s.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	c := &sdk{conn: conn, id: fmt.Sprintf("bench@1@%d", n)}
	if err := c.tellSettings(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("gRPC client %d of %d: %w", n+1, s.Connections, err)
	}
	return c, nil
}

// path is that of a call.
func path(method string) string { return "/apache.rocketmq.v2.MessagingService/" + method }

func (c *sdk) context() context.Context {
	return metadata.AppendToOutgoingContext(context.Background(), "x-mq-client-id", c.id, "x-mq-language", "GO", "x-mq-client-version", "5.1.4")
}

func (c *sdk) tellSettings() (err error) {
	kind := pb.ClientType_SIMPLE_CONSUMER
	settings := &pb.Settings{ClientType: &kind, RequestTimeout: durationpb.New(3 * time.Second), PubSub: &pb.Settings_Subscription{Subscription: &pb.Subscription{
		Group:              &pb.Resource{Name: grpcGroup},
		Subscriptions:      []*pb.SubscriptionEntry{{Topic: &pb.Resource{Name: wire.Topic}, Expression: all}},
		LongPollingTimeout: durationpb.New(longPolling),
	}}}
	if c.told, err = c.conn.NewStream(c.context(), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, path("Telemetry"), grpc.WaitForReady(true)); err != nil {
		return err
	}
	if err := c.told.SendMsg(&pb.TelemetryCommand{Command: &pb.TelemetryCommand_Settings{Settings: settings}}); err != nil {
		return err
	}
	return c.told.RecvMsg(&pb.TelemetryCommand{})
}

const (
	grpcGroup   = "bench-group"
	longPolling = 20 * time.Second
)

var all = &pb.FilterExpression{Type: pb.FilterType_TAG, Expression: "*"}

var messageIDs atomic.Int64

// send sends n messages in one call.
func (c *sdk) send(n int) error {
	q := &pb.SendMessageRequest{}
	for range n {
		q.Messages = append(q.Messages, &pb.Message{
			Topic: &pb.Resource{Name: wire.Topic}, Body: make([]byte, MessageSize),
			SystemProperties: &pb.SystemProperties{MessageId: fmt.Sprintf("01%032X", messageIDs.Add(1)), MessageType: pb.MessageType_NORMAL},
		})
	}
	a := &pb.SendMessageResponse{}
	if err := c.conn.Invoke(c.context(), path("SendMessage"), q, a); err != nil {
		return err
	}
	return okay(a.Status)
}

// receive returns the handles of what has come, none when nothing has.
func (c *sdk) receive(ctx context.Context) (handles []string, err error) {
	stream, err := c.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, path("ReceiveMessage"))
	if err != nil {
		return nil, err
	}
	if err := stream.SendMsg(&pb.ReceiveMessageRequest{
		Group: &pb.Resource{Name: grpcGroup}, FilterExpression: all, BatchSize: PopMessages, InvisibleDuration: durationpb.New(time.Minute),
		MessageQueue:       &pb.MessageQueue{Topic: &pb.Resource{Name: wire.Topic}, Broker: &pb.Broker{Name: wire.BrokerName}},
		LongPollingTimeout: durationpb.New(longPolling),
	}); err != nil {
		return nil, err
	}
	if err := stream.CloseSend(); err != nil {
		return nil, err
	}
	for {
		m := &pb.ReceiveMessageResponse{}
		switch err := stream.RecvMsg(m); {
		case errors.Is(err, io.EOF):
			return handles, nil
		case err != nil:
			return nil, err
		case m.GetStatus() != nil && m.GetStatus().Code != pb.Code_MESSAGE_NOT_FOUND:
			if err := okay(m.GetStatus()); err != nil {
				return nil, err
			}
		case m.GetMessage() != nil:
			handles = append(handles, m.GetMessage().SystemProperties.GetReceiptHandle())
		}
	}
}

// ack acknowledges what was received, in one call.
func (c *sdk) ack(handles []string) error {
	q := &pb.AckMessageRequest{Group: &pb.Resource{Name: grpcGroup}, Topic: &pb.Resource{Name: wire.Topic}}
	for _, h := range handles {
		q.Entries = append(q.Entries, &pb.AckMessageEntry{MessageId: "id", ReceiptHandle: h})
	}
	a := &pb.AckMessageResponse{}
	if err := c.conn.Invoke(c.context(), path("AckMessage"), q, a); err != nil {
		return err
	}
	return okay(a.Status)
}

func okay(s *pb.Status) error {
	if s.GetCode() != pb.Code_OK {
		return fmt.Errorf("%w: %v", errRefused, proto.Message(s))
	}
	return nil
}
