package translate

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

func producer() *pb.Settings {
	kind := pb.ClientType_PRODUCER
	return &pb.Settings{
		ClientType: &kind, RequestTimeout: durationpb.New(3 * time.Second),
		PubSub: &pb.Settings_Publishing{Publishing: &pb.Publishing{Topics: []*pb.Resource{{Name: "orders"}}}},
	}
}

func consumer(kind pb.ClientType) *pb.Settings {
	return &pb.Settings{ClientType: &kind, PubSub: &pb.Settings_Subscription{Subscription: &pb.Subscription{
		Group: &pb.Resource{Name: "group"}, Subscriptions: []*pb.SubscriptionEntry{{Topic: &pb.Resource{Name: "orders"}}},
	}}}
}

func TestSettingsHaveAllThatSDKsNeedToStart(t *testing.T) {
	c, err := ReadSettings(producer(), Names{})
	require.NoError(t, err)
	require.Equal(t, []string{"orders"}, c.Topics)
	s := c.Settings(DefaultGroup())
	require.Equal(t, int32(4<<20), s.GetPublishing().MaxBodySize)
	require.True(t, s.GetPublishing().ValidateMessageType)
	require.NotNil(t, s.BackoffPolicy.GetExponentialBackoff())
	require.False(t, s.Metric.On)
	require.Equal(t, pb.ClientType_PRODUCER, s.GetClientType())
	require.Equal(t, 3*time.Second, s.RequestTimeout.AsDuration())

	c, err = ReadSettings(consumer(pb.ClientType_PUSH_CONSUMER), Names{})
	require.NoError(t, err)
	require.Equal(t, "group", c.Group)
	s = c.Settings(Group{Orderly: true, RetryMaxTimes: 16, customized: defaultBackoff})
	require.True(t, s.GetSubscription().GetFifo())
	require.Equal(t, int32(32), s.GetSubscription().GetReceiveBatchSize())
	require.Equal(t, 20*time.Second, s.GetSubscription().LongPollingTimeout.AsDuration())
	require.Equal(t, int32(17), s.BackoffPolicy.MaxAttempts)
	require.Len(t, s.BackoffPolicy.GetCustomizedBackoff().Next, 18)
}

func TestSettingsAreRefusedWithAReason(t *testing.T) {
	for name, c := range map[string]struct {
		s    *pb.Settings
		code pb.Code
	}{
		"nothing":        {&pb.Settings{}, pb.Code_BAD_REQUEST},
		"lite":           {consumer(pb.ClientType_LITE_PUSH_CONSUMER), pb.Code_UNRECOGNIZED_CLIENT_TYPE},
		"pull":           {consumer(pb.ClientType_PULL_CONSUMER), pb.Code_UNRECOGNIZED_CLIENT_TYPE},
		"no group":       {&pb.Settings{PubSub: &pb.Settings_Subscription{Subscription: &pb.Subscription{}}}, pb.Code_ILLEGAL_CONSUMER_GROUP},
		"bad topic":      {&pb.Settings{PubSub: &pb.Settings_Publishing{Publishing: &pb.Publishing{Topics: []*pb.Resource{{Name: "a b"}}}}}, pb.Code_ILLEGAL_TOPIC},
		"property key":   {&pb.Settings{ClientProperties: map[string]string{"1x": "v"}}, pb.Code_INVALID_CLIENT_PROPERTIES},
		"property value": {&pb.Settings{ClientProperties: map[string]string{"x": strings.Repeat("v", 257)}}, pb.Code_INVALID_CLIENT_PROPERTIES},
	} {
		_, err := ReadSettings(c.s, Names{})
		require.Equal(t, c.code, codeOf(t, err), name)
	}
}

func aQueue() *pb.MessageQueue {
	return &pb.MessageQueue{Topic: &pb.Resource{Name: "orders"}, Id: 3, Broker: &pb.Broker{Name: "broker-a"}}
}

func TestOffsetsAreAskedOfTheBrokerOfTheirQueue(t *testing.T) {
	group := &pb.Resource{Name: "group"}
	u, err := ReadUpdateOffset(&pb.UpdateOffsetRequest{Group: group, MessageQueue: aQueue(), Offset: 9}, Names{})
	require.NoError(t, err)
	require.Equal(t, "broker-a", u.Broker)
	require.Equal(t, codec.ReqUpdateConsumerOffset, u.Command.Code)
	require.Equal(t, map[string]string{"topic": "orders", "consumerGroup": "group", "queueId": "3", "commitOffset": "9"}, u.Command.Ext)
	g, err := ReadGetOffset(&pb.GetOffsetRequest{Group: group, MessageQueue: aQueue()}, Names{})
	require.NoError(t, err)
	require.Equal(t, codec.ReqQueryConsumerOffset, g.Command.Code)
	for policy, code := range map[pb.QueryOffsetPolicy]int32{
		pb.QueryOffsetPolicy_BEGINNING: codec.ReqGetMinOffset, pb.QueryOffsetPolicy_END: codec.ReqGetMaxOffset,
	} {
		q, err := ReadQueryOffset(&pb.QueryOffsetRequest{MessageQueue: aQueue(), QueryOffsetPolicy: policy}, Names{})
		require.NoError(t, err)
		require.Equal(t, code, q.Command.Code)
	}
	_, err = ReadQueryOffset(&pb.QueryOffsetRequest{MessageQueue: aQueue(), QueryOffsetPolicy: pb.QueryOffsetPolicy_TIMESTAMP}, Names{})
	require.Equal(t, pb.Code_BAD_REQUEST, codeOf(t, err))
	_, err = ReadUpdateOffset(&pb.UpdateOffsetRequest{Group: group, MessageQueue: aQueue(), Offset: -1}, Names{})
	require.Equal(t, pb.Code_ILLEGAL_OFFSET, codeOf(t, err))
	require.Equal(t, int64(7), GetOffsetResponse(&codec.Command{Ext: map[string]string{"offset": "7"}}).Offset)
	require.Equal(t, pb.Code_OFFSET_NOT_FOUND, GetOffsetResponse(&codec.Command{Code: 22}).Status.Code)
	require.Equal(t, pb.Code_INTERNAL_SERVER_ERROR, QueryOffsetResponse(&codec.Command{}).Status.Code)
}

func TestAPullIsAnsweredByMessagesAndWhereToGoOn(t *testing.T) {
	p, err := ReadPull(&pb.PullMessageRequest{
		Group: &pb.Resource{Name: "group"}, MessageQueue: aQueue(), Offset: 5, BatchSize: 100, LongPollingTimeout: durationpb.New(time.Second),
	}, Names{}, NoDeadline)
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"topic": "orders", "consumerGroup": "group", "queueId": "3", "queueOffset": "5", "maxMsgNums": "32", "sysFlag": "6", "commitOffset": "0",
		"suspendTimeoutMillis": "1000", "subscription": "*", "subVersion": "0", "expressionType": "TAG",
	}, p.Command.Ext)
	all := p.Responses(&codec.Command{Ext: map[string]string{"nextBeginOffset": "8"}, Body: bytesOf(t, storedV4)}, now)
	require.Len(t, all, 3)
	require.Equal(t, pb.Code_OK, all[0].GetStatus().Code)
	require.Equal(t, "hello", string(all[1].GetMessage().Body))
	require.Equal(t, int64(8), all[2].GetNextOffset())
	for code, want := range map[int32]pb.Code{19: pb.Code_MESSAGE_NOT_FOUND, 20: pb.Code_MESSAGE_NOT_FOUND, 21: pb.Code_ILLEGAL_OFFSET} {
		all := p.Responses(&codec.Command{Code: code}, now)
		require.Len(t, all, 2)
		require.Equal(t, want, all[0].GetStatus().Code)
		require.Equal(t, int64(5), all[1].GetNextOffset())
	}
}
