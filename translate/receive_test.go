package translate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

func codeOf(t testing.TB, err error) pb.Code {
	require.Error(t, err)
	return StatusOf(err).Code
}

func aReceive() *pb.ReceiveMessageRequest {
	return &pb.ReceiveMessageRequest{
		Group:        &pb.Resource{Name: "group"},
		MessageQueue: &pb.MessageQueue{Topic: &pb.Resource{Name: "orders"}, Broker: &pb.Broker{Name: "broker-a"}, Id: 3},
		AutoRenew:    true, BatchSize: 8, AttemptId: proto.String("attempt"),
	}
}

func TestAReceiveBecomesAPopFromAnyQueueOfItsBroker(t *testing.T) {
	r, err := ReadReceive(aReceive(), Names{}, 23*time.Second)
	require.NoError(t, err)
	require.Equal(t, "broker-a", r.Broker)
	c := r.Command(15*time.Minute, true, false)
	require.Equal(t, codec.ReqPopMessage, c.Code)
	require.Equal(t, map[string]string{
		"consumerGroup": "group", "topic": "orders", "queueId": "-1", "maxMsgNums": "8", "invisibleTime": "900000", "pollTime": "20000",
		"bornTime": "0", "initMode": "1", "exp": "*", "expType": "TAG", "order": "true", "attemptId": "attempt",
	}, c.Ext)
	require.Equal(t, "0", r.Command(time.Minute, false, true).Ext["initMode"])
}

func TestAPollEndsBeforeTheDeadline(t *testing.T) {
	for _, c := range []struct {
		asked, left, want time.Duration
	}{
		{20 * time.Second, 23 * time.Second, 20 * time.Second},
		{time.Minute, time.Minute, 20 * time.Second},
		{30 * time.Second, 5 * time.Second, 4500 * time.Millisecond},
		{5 * time.Second, 5 * time.Second, 4500 * time.Millisecond},
		{100 * time.Millisecond, 3 * time.Second, 100 * time.Millisecond},
		{time.Second, 100 * time.Millisecond, 0},
		{10 * time.Second, NoDeadline, 10 * time.Second},
		{-time.Second, NoDeadline, 0},
	} {
		req := aReceive()
		req.LongPollingTimeout = durationpb.New(c.asked)
		r, err := ReadReceive(req, Names{}, c.left)
		require.NoError(t, err)
		require.Equal(t, c.want, r.Poll, "asked %v, left %v", c.asked, c.left)
	}
	r, err := ReadReceive(aReceive(), Names{}, NoDeadline)
	require.NoError(t, err)
	require.Equal(t, 20*time.Second, r.Poll)
	_, err = ReadReceive(aReceive(), Names{}, 0)
	require.Equal(t, pb.Code_ILLEGAL_POLLING_TIME, codeOf(t, err))
}

func TestAReceiveIsRefusedByItsCode(t *testing.T) {
	for code, break_ := range map[pb.Code]func(r *pb.ReceiveMessageRequest){
		pb.Code_ILLEGAL_TOPIC:          func(r *pb.ReceiveMessageRequest) { r.MessageQueue.Topic.Name = "a b" },
		pb.Code_ILLEGAL_CONSUMER_GROUP: func(r *pb.ReceiveMessageRequest) { r.Group = nil },
		pb.Code_ILLEGAL_INVISIBLE_TIME: func(r *pb.ReceiveMessageRequest) {
			r.AutoRenew, r.InvisibleDuration = false, durationpb.New(9*time.Second)
		},
		pb.Code_ILLEGAL_FILTER_EXPRESSION: func(r *pb.ReceiveMessageRequest) { r.FilterExpression = &pb.FilterExpression{Expression: " || "} },
	} {
		req := aReceive()
		break_(req)
		_, err := ReadReceive(req, Names{}, time.Minute)
		require.Equal(t, code, codeOf(t, err))
	}
}

func TestALeaseIsTheClientsOrTheGroups(t *testing.T) {
	g := DefaultGroup()
	require.Equal(t, 15*time.Minute, (&Receive{}).Lease(g, 0))
	require.Equal(t, time.Minute, (&Receive{}).Lease(g, time.Minute))
	require.Equal(t, 30*time.Second, (&Receive{Invisible: 30 * time.Second}).Lease(g, time.Minute))
}

func TestBatchesStayWithinWhatBrokersTake(t *testing.T) {
	for asked, want := range map[int32]string{-1: "1", 0: "1", 1: "1", 32: "32", 33: "32", 1 << 30: "32"} {
		req := aReceive()
		req.BatchSize = asked
		r, err := ReadReceive(req, Names{}, time.Minute)
		require.NoError(t, err)
		require.Equal(t, want, r.Command(time.Minute, false, false).Ext["maxMsgNums"])
	}
}

// popped is the answer of a broker with the message of the vectors, in queue 3.
func popped(t testing.TB, ext map[string]string) *codec.Command {
	all := map[string]string{
		"popTime": "1700000000000", "invisibleTime": "60000", "reviveQid": "5", "startOffsetInfo": "0 3 100;2 0 7",
		"msgOffsetInfo": "0 3 73588229205;2 0 7",
	}
	for k, v := range ext {
		all[k] = v
	}
	return &codec.Command{Ext: all, Body: bytesOf(t, storedV4)}
}

func TestAPoppedMessageGetsItsHandle(t *testing.T) {
	r, err := ReadReceive(aReceive(), Names{}, time.Minute)
	require.NoError(t, err)
	all, err := r.ReadAnswer("broker-a", popped(t, nil))
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, "100 1700000000000 60000 5 0 broker-a 3 73588229205 1719109785", all[0].Handle.String())
	require.Equal(t, int32(3), all[0].Attempt, "it was consumed twice before")
	m := r.Message(all[0], time.Unix(0, 0)).GetMessage()
	require.Equal(t, all[0].Handle.String(), m.SystemProperties.GetReceiptHandle())
	require.Equal(t, time.Minute, m.SystemProperties.InvisibleDuration.AsDuration())
}

func TestAnOrderedPopSaysHowOftenAMessageWasDelivered(t *testing.T) {
	r, err := ReadReceive(aReceive(), Names{}, time.Minute)
	require.NoError(t, err)
	for counts, want := range map[string]int32{"0 3 1": 2, "0 3 1;0 qo3%73588229205 4": 5, "0 1 7": 3} {
		all, err := r.ReadAnswer("broker-a", popped(t, map[string]string{"orderCountInfo": counts, "reviveQid": "999"}))
		require.NoError(t, err)
		require.Equal(t, want, all[0].Attempt, counts)
	}
}

func TestAMessageOfAnotherTagWithTheSameHashIsUnwanted(t *testing.T) {
	req := aReceive()
	req.FilterExpression = &pb.FilterExpression{Type: pb.FilterType_TAG, Expression: "TagB || TagC"}
	r, err := ReadReceive(req, Names{}, time.Minute)
	require.NoError(t, err)
	require.Equal(t, "TagB || TagC", r.Command(time.Minute, false, false).Ext["exp"])
	all, err := r.ReadAnswer("broker-a", popped(t, nil))
	require.NoError(t, err)
	require.True(t, all[0].Unwanted)
	require.Equal(t, codec.ReqAckMessage, r.Acknowledge(all[0]).Code)
}

func TestAnswersToAPopHaveTheirCodes(t *testing.T) {
	r, err := ReadReceive(aReceive(), Names{}, time.Minute)
	require.NoError(t, err)
	for code, want := range map[int32]pb.Code{
		0: pb.Code_MESSAGE_NOT_FOUND, 19: pb.Code_MESSAGE_NOT_FOUND, 210: pb.Code_MESSAGE_NOT_FOUND, 209: pb.Code_TOO_MANY_REQUESTS,
		26: pb.Code_CONSUMER_GROUP_NOT_FOUND, 17: pb.Code_TOPIC_NOT_FOUND, 16: pb.Code_FORBIDDEN, 23: pb.Code_ILLEGAL_FILTER_EXPRESSION,
		29: pb.Code_BAD_REQUEST, 1: pb.Code_INTERNAL_SERVER_ERROR, 3: pb.Code_NOT_IMPLEMENTED, 2: pb.Code_TOO_MANY_REQUESTS,
	} {
		_, err := r.ReadAnswer("broker-a", &codec.Command{Code: code})
		require.Equal(t, want, codeOf(t, err), "broker's code %d", code)
	}
}

func TestAMessageThatIsNotDeliveredIsGivenBackUncounted(t *testing.T) {
	r, err := ReadReceive(aReceive(), Names{}, time.Minute)
	require.NoError(t, err)
	all, err := r.ReadAnswer("broker-a", popped(t, nil))
	require.NoError(t, err)
	c := r.GiveBack(all[0])
	require.Equal(t, codec.ReqChangeMessageInvisibleTime, c.Code)
	require.Equal(t, "1000", c.Ext["invisibleTime"])
	require.Equal(t, "true", c.Ext["suspend"])
}
