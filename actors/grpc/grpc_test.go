package grpc_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

func TestMessagesAreSentReceivedAndAcknowledged(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		c := f.client()
		for i := range 5 {
			r := c.send(message("orders", fmt.Sprint("body ", i)))
			require.Equal(t, pb.Code_OK, r.Status.Code, r.Status.Message)
			require.Len(t, r.Entries, 1)
			require.NotEmpty(t, r.Entries[0].MessageId)
		}
		bodies, handles := map[string]bool{}, []string{}
		for _, m := range c.receiveAll("orders", 5) {
			bodies[string(m.Body)] = true
			handles = append(handles, m.SystemProperties.GetReceiptHandle())
			require.Equal(t, "tag", m.SystemProperties.GetTag())
			require.Equal(t, []string{"key"}, m.SystemProperties.Keys)
			require.Equal(t, map[string]string{"own": "property"}, m.UserProperties)
			require.Equal(t, int32(1), m.SystemProperties.GetDeliveryAttempt())
		}
		require.Len(t, bodies, 5)
		acked := c.ack("orders", append(handles, "garbage")...)
		require.Equal(t, pb.Code_MULTIPLE_RESULTS, acked.Status.Code)
		for i, e := range acked.Entries {
			want := pb.Code_OK
			if i == 5 {
				want = pb.Code_INVALID_RECEIPT_HANDLE
			}
			require.Equal(t, want, e.Status.Code)
		}
	})
}

func TestClientsThatEncryptAndVerifyNothingAreServed(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		require.Equal(t, pb.Code_OK, f.secureClient().send(message("orders", "secret")).Status.Code)
		require.False(t, f.Log.Has("malformed frame from client"))
	})
}

func TestWithoutGRPCItsClientsAreTurnedAway(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{}, func(l *actors.Listener) { l.GRPC.Enabled = false })
		c := f.client()
		err := c.conn.Invoke(c.context(5*time.Second), path("Heartbeat"), &pb.HeartbeatRequest{}, &pb.HeartbeatResponse{})
		require.Equal(t, codes.Unavailable, status.Code(err))
		require.Empty(t, f.actorsOf("grpc"))
	})
}

func TestARouteNamesTheEndpointsThatTheClientWrote(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		asked := &pb.Endpoints{Scheme: pb.AddressScheme_DOMAIN_NAME, Addresses: []*pb.Address{{Host: "mapped.example.com", Port: 17881}}}
		r := call[pb.QueryRouteResponse](f.client(), "QueryRoute", &pb.QueryRouteRequest{Topic: resource("orders"), Endpoints: asked})
		require.Equal(t, pb.Code_OK, r.Status.Code)
		require.Len(t, r.MessageQueues, 2)
		for _, q := range r.MessageQueues {
			require.True(t, proto.Equal(asked, q.Broker.Endpoints))
			require.Equal(t, []pb.MessageType{pb.MessageType_NORMAL}, q.AcceptMessageTypes)
		}
		r = call[pb.QueryRouteResponse](f.client(), "QueryRoute", &pb.QueryRouteRequest{Topic: resource("nothing")})
		require.Equal(t, pb.Code_TOPIC_NOT_FOUND, r.Status.Code)
		a := call[pb.QueryAssignmentResponse](f.client(), "QueryAssignment", &pb.QueryAssignmentRequest{Topic: resource("orders"), Group: resource("group"), Endpoints: asked})
		require.Equal(t, pb.Code_OK, a.Status.Code)
		require.Len(t, a.Assignments, 1)
		require.Equal(t, "broker-a", a.Assignments[0].MessageQueue.Broker.Name)
	})
}

func TestATopicTakesMessagesOfItsTypeOnly(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		f.createTopic("ordered", "FIFO")
		c := f.client()
		require.Equal(t, pb.Code_MESSAGE_PROPERTY_CONFLICT_WITH_TYPE, c.send(message("ordered", "no group")).Status.Code)
		queues := map[int32]bool{}
		for range 4 {
			m := message("ordered", "in order")
			m.SystemProperties.MessageGroup = proto.String("order-1")
			require.Equal(t, pb.Code_OK, c.send(m).Status.Code)
		}
		for _, m := range c.receiveAll("ordered", 4) {
			queues[m.SystemProperties.QueueId] = true
			require.Equal(t, "order-1", m.SystemProperties.GetMessageGroup())
		}
		require.Len(t, queues, 1, "messages of a group are in one queue")
	})
}

func TestACallNeedsNoSettingsBeforeIt(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		c := f.client()
		require.Equal(t, pb.Code_OK, call[pb.HeartbeatResponse](c, "Heartbeat", &pb.HeartbeatRequest{}).Status.Code)
		require.Equal(t, pb.Code_OK, call[pb.NotifyClientTerminationResponse](c, "NotifyClientTermination", &pb.NotifyClientTerminationRequest{}).Status.Code)
		c.id = ""
		require.Equal(t, pb.Code_CLIENT_ID_REQUIRED, call[pb.HeartbeatResponse](c, "Heartbeat", &pb.HeartbeatRequest{}).Status.Code)
	})
}

func TestSettingsAreAnsweredAtOnce(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		_, s := f.client().telemetry(producerOf("orders"))
		require.Equal(t, int32(4<<20), s.GetPublishing().MaxBodySize)
		kind := pb.ClientType_PUSH_CONSUMER
		_, s = f.client().telemetry(&pb.Settings{ClientType: &kind, PubSub: &pb.Settings_Subscription{Subscription: &pb.Subscription{
			Group: resource("group"), Subscriptions: []*pb.SubscriptionEntry{{Topic: resource("orders")}},
		}}})
		require.Equal(t, int32(17), s.BackoffPolicy.MaxAttempts)

		c := f.client()
		stream := c.open(c.context(time.Minute), "Telemetry", &pb.TelemetryCommand{Command: &pb.TelemetryCommand_Settings{Settings: &pb.Settings{}}})
		err := stream.RecvMsg(&pb.TelemetryCommand{})
		require.Equal(t, codes.InvalidArgument, status.Code(err))
		f.Until("it is logged", func() bool { return f.Log.Has("grpc client refused") })
	})
}

func TestAPollIsHeldUntilAMessageComes(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		c := f.client()
		req := receiveRequest("orders")
		req.LongPollingTimeout = durationpb.New(100 * time.Millisecond)
		_, code := c.receive(req)
		require.Equal(t, pb.Code_MESSAGE_NOT_FOUND, code)
		polled := f.polls()
		got := make(chan []*pb.Message)
		go func() {
			all, _ := c.receive(receiveRequest("orders"))
			got <- all
		}()
		<-polled
		require.Equal(t, pb.Code_OK, f.client().send(message("orders", "now")).Status.Code)
		require.Len(t, <-got, 1)
	})
}

func TestWhatIsPoppedForAClientThatHasLeftIsGivenBack(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		c := f.client()
		polled := f.polls()
		ctx, cancel := context.WithCancel(c.context(time.Minute))
		req := receiveRequest("orders")
		req.InvisibleDuration = durationpb.New(time.Hour)
		stream := c.open(ctx, "ReceiveMessage", req)
		require.NoError(t, stream.CloseSend())
		<-polled
		cancel()
		f.Until("the client has left", func() bool { return stream.RecvMsg(&pb.ReceiveMessageResponse{}) != nil })
		require.Equal(t, pb.Code_OK, f.client().send(message("orders", "again")).Status.Code)
		all := f.client().receiveAll("orders", 1)
		require.Equal(t, "again", string(all[0].Body))
	})
}

func TestATransactionEndsThroughAnyProxy(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		f.createTopic("deals", "TRANSACTION")
		other := proxytest.Start(t, on, proxytest.Options{NameServers: f.cluster.NameServers(), Listener: func(l *actors.Listener) { l.GRPC.Enabled = true }})
		c, elsewhere := f.client(), (&fixture{other, f.cluster}).client()
		half := message("deals", "half")
		half.SystemProperties.MessageType = pb.MessageType_TRANSACTION
		r := c.send(half)
		require.Equal(t, pb.Code_OK, r.Status.Code, r.Status.Message)
		end := &pb.EndTransactionRequest{
			Topic: resource("deals"), MessageId: r.Entries[0].MessageId, TransactionId: r.Entries[0].TransactionId,
			Resolution: pb.TransactionResolution_COMMIT, Source: pb.TransactionSource_SOURCE_CLIENT,
		}
		require.Equal(t, pb.Code_OK, call[pb.EndTransactionResponse](elsewhere, "EndTransaction", end).Status.Code)
		require.Equal(t, "half", string(c.receiveAll("deals", 1)[0].Body))
		end.TransactionId = "nonsense"
		require.Equal(t, pb.Code_INVALID_TRANSACTION_ID, call[pb.EndTransactionResponse](c, "EndTransaction", end).Status.Code)
	})
}

func TestAProducerIsAskedWhatBecameOfItsHalfMessage(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		clock := embedded.NewManualClock(time.Now())
		f := start(t, on, embedded.Options{Clock: clock})
		f.createTopic("deals", "TRANSACTION")
		c := f.client()
		stream, _ := c.telemetry(producerOf("orders")) // it has not declared the topic
		half := message("deals", "half")
		half.SystemProperties.MessageType = pb.MessageType_TRANSACTION
		r := c.send(half)
		require.Equal(t, pb.Code_OK, r.Status.Code, r.Status.Message)
		checked := make(chan *pb.TelemetryCommand, 1)
		go func() {
			m := &pb.TelemetryCommand{}
			if stream.RecvMsg(m) == nil {
				checked <- m
			}
		}()
		var check *pb.RecoverOrphanedTransactionCommand
		f.Until("the producer is asked", func() bool {
			clock.Advance(30 * time.Second)
			select {
			case m := <-checked:
				check = m.GetRecoverOrphanedTransactionCommand()
				return true
			default:
				return false
			}
		})
		require.Equal(t, "half", string(check.Message.Body))
		end := &pb.EndTransactionRequest{
			Topic: resource("deals"), MessageId: check.Message.SystemProperties.MessageId, TransactionId: check.TransactionId,
			Resolution: pb.TransactionResolution_COMMIT, Source: pb.TransactionSource_SOURCE_SERVER_CHECK,
		}
		require.Equal(t, pb.Code_OK, call[pb.EndTransactionResponse](c, "EndTransaction", end).Status.Code)
		require.Equal(t, "half", string(c.receiveAll("deals", 1)[0].Body))
	})
}

func TestOfTwoBrokersOneThatIsDownFailsNoSend(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{Brokers: []embedded.BrokerOptions{{Name: "broker-a"}, {Name: "broker-b"}}})
		c := f.client()
		require.Equal(t, pb.Code_OK, c.send(message("orders", "before")).Status.Code)
		f.cluster.Brokers()[0].Stop()
		for range 10 {
			attempts := 0
			for code := pb.Code_CODE_UNSPECIFIED; code != pb.Code_OK; attempts++ { // one that was on its way may be there
				code = c.send(message("orders", "one broker is down")).Status.Code
			}
			require.LessOrEqual(t, attempts, 3, "SDKs try three times")
		}
	})
}

func TestMessagesOfFourMegabytesPass(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		c := f.client()
		m := message("orders", "")
		m.Body = make([]byte, 4<<20)
		m.Body[4<<20-1] = 'z'
		require.Equal(t, pb.Code_OK, c.send(m).Status.Code)
		m.Body = append(m.Body, 0)
		require.Equal(t, pb.Code_MESSAGE_BODY_TOO_LARGE, c.send(m).Status.Code)
	})
}

// A bug costs the actor that has it, and no other client notices.
func TestAnActorThatFailsCostsNobodyElse(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		c, other := f.client(), f.client()
		require.Equal(t, pb.Code_OK, c.send(message("orders", "x")).Status.Code)
		stream, _ := other.telemetry(producerOf("orders"))
		for _, kind := range []string{"link", "links", "metadata", "session", "sessions"} {
			victims := f.actorsOf(kind)
			if kind == "session" {
				victims = slices.DeleteFunc(victims, func(id string) bool { return !strings.HasSuffix(id, c.id) })
			}
			f.Kill(victims[0])
			f.Until("sends succeed after "+kind+" has failed", func() bool {
				return c.send(message("orders", kind)).Status.Code == pb.Code_OK
			})
		}
		f.Until("both sessions are counted", func() bool { return f.counted(`rocketmq_proxy_grpc_sessions{listener="office"}`) == 2 })
		f.Until("no request is active", func() bool { return f.Stat("request_active") == 0 })
		require.NoError(t, stream.SendMsg(&pb.TelemetryCommand{Command: &pb.TelemetryCommand_Settings{Settings: producerOf("orders")}}))
		require.NoError(t, stream.RecvMsg(&pb.TelemetryCommand{}), "the stream of another client goes on")
	})
}

func TestACallThatFailsIsAnswered(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		c := f.client()
		polled := f.polls()
		got := make(chan pb.Code)
		go func() {
			_, code := c.receive(receiveRequest("orders"))
			got <- code
		}()
		<-polled
		f.Kill(f.actorsOf("call")[0])
		require.Equal(t, pb.Code_INTERNAL_SERVER_ERROR, <-got)
	})
}
