package translate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// Handles as ExtraInfoUtil.java writes them, and with the commit log offset that proxies add.
const (
	handleOfClient = "100 1700000000000 60000 5 0 broker-a 3 104"
	handleOfProxy  = "100 1700000000000 60000 5 2 broker-a 3 104 1719109785"
)

var popTime = time.UnixMilli(1700000000000)

func TestHandlesAreReadAsTheyAreWritten(t *testing.T) {
	for _, text := range []string{handleOfClient, handleOfProxy, "0 0 0 999 1 b 0 0 0"} {
		h, err := ReadHandle(text)
		require.NoError(t, err)
		require.Equal(t, text, h.String())
	}
	for _, text := range []string{
		"", "x", "100 1700000000000 60000 5 0 broker-a 3", "100 1700000000000 x 5 0 broker-a 3 104", "-1 1 1 1 0 b 1 1",
		"1 1 1 1 3 b 1 1", "1 1 1 1 0  1 1", "1 1 1 1 0 b 4294967296 1", "1 1 1 1 0 b 1 1 x",
	} {
		_, err := ReadHandle(text)
		require.Equal(t, pb.Code_INVALID_RECEIPT_HANDLE, codeOf(t, err), text)
	}
}

func TestAckTopicsAreWhereTheMessageIsStored(t *testing.T) {
	for retry, want := range map[string]string{"0": "T", "1": "%RETRY%cg_T", "2": "%RETRY%cg+T"} {
		require.Equal(t, want, Handle{Retry: retry}.storedIn("T", "cg"))
	}
}

func anAck(handles ...string) *pb.AckMessageRequest {
	req := &pb.AckMessageRequest{Topic: &pb.Resource{Name: "T"}, Group: &pb.Resource{Name: "cg"}}
	for _, h := range handles {
		req.Entries = append(req.Entries, &pb.AckMessageEntry{MessageId: "id of " + h, ReceiptHandle: h})
	}
	return req
}

func TestEachEntryOfAnAckGoesToItsBroker(t *testing.T) {
	a, err := ReadAck(anAck(handleOfClient, "garbage", handleOfProxy), Names{}, popTime)
	require.NoError(t, err)
	c := a.Command(&a.Entries[2])
	require.Equal(t, codec.ReqAckMessage, c.Code)
	require.Equal(t, map[string]string{"consumerGroup": "cg", "topic": "%RETRY%cg+T", "queueId": "3", "offset": "104", "extraInfo": handleOfProxy}, c.Ext)
	a.Entries[0].Answered(&codec.Command{})
	a.Entries[2].Answered(&codec.Command{Code: codec.ResNoMessage})
	r := a.Response()
	require.Equal(t, pb.Code_MULTIPLE_RESULTS, r.Status.Code)
	for i, want := range []pb.Code{pb.Code_OK, pb.Code_INVALID_RECEIPT_HANDLE, pb.Code_INVALID_RECEIPT_HANDLE} {
		require.Equal(t, want, r.Entries[i].Status.Code)
		require.Equal(t, "id of "+r.Entries[i].ReceiptHandle, r.Entries[i].MessageId)
	}
}

func TestAnAckWithoutEntriesIsABadRequest(t *testing.T) {
	_, err := ReadAck(anAck(), Names{}, popTime)
	require.Equal(t, pb.Code_BAD_REQUEST, codeOf(t, err))
}

func TestAnExpiredHandleIsFinal(t *testing.T) {
	for _, c := range []struct {
		handle string
		after  time.Duration
		alive  bool
	}{
		{handleOfClient, time.Minute, true},
		{handleOfClient, 61 * time.Second, false},
		{"100 1700000000000 60000 999 0 broker-a 3 104", time.Hour, true},
	} {
		a, err := ReadAck(anAck(c.handle), Names{}, popTime.Add(c.after))
		require.NoError(t, err)
		if c.alive {
			require.NoError(t, a.Entries[0].Err)
		} else {
			require.Equal(t, pb.Code_INVALID_RECEIPT_HANDLE, a.Response().Status.Code)
		}
	}
}

func TestANewInvisibleTimeComesWithANewHandle(t *testing.T) {
	c, err := ReadChangeInvisible(&pb.ChangeInvisibleDurationRequest{
		Topic: &pb.Resource{Name: "T"}, Group: &pb.Resource{Name: "cg"}, ReceiptHandle: handleOfProxy, InvisibleDuration: durationpb.New(30 * time.Second),
	}, Names{}, popTime)
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"consumerGroup": "cg", "topic": "%RETRY%cg+T", "queueId": "3", "offset": "104", "extraInfo": handleOfProxy, "invisibleTime": "30000",
	}, c.Command().Ext)
	r := c.Response(&codec.Command{Ext: map[string]string{"popTime": "1700000001000", "invisibleTime": "30000", "reviveQid": "2"}})
	require.Equal(t, pb.Code_OK, r.Status.Code)
	require.Equal(t, "104 1700000001000 30000 2 2 broker-a 3 104 1719109785", r.ReceiptHandle)
	require.Equal(t, pb.Code_INVALID_RECEIPT_HANDLE, c.Response(&codec.Command{Code: codec.ResMessageIllegal}).Status.Code)
	require.Equal(t, pb.Code_INTERNAL_SERVER_ERROR, c.Response(&codec.Command{}).Status.Code)
	for _, d := range []time.Duration{-1, 12*time.Hour + 1} {
		_, err := ReadChangeInvisible(&pb.ChangeInvisibleDurationRequest{
			Topic: &pb.Resource{Name: "T"}, Group: &pb.Resource{Name: "cg"}, ReceiptHandle: handleOfProxy, InvisibleDuration: durationpb.New(d),
		}, Names{}, popTime)
		require.Equal(t, pb.Code_ILLEGAL_INVISIBLE_TIME, codeOf(t, err))
	}
}

func TestADeadLetterIsNamedByItsPlaceInTheCommitLog(t *testing.T) {
	req := &pb.ForwardMessageToDeadLetterQueueRequest{Topic: &pb.Resource{Name: "T"}, Group: &pb.Resource{Name: "cg"}, ReceiptHandle: handleOfProxy, MessageId: "id"}
	d, err := ReadDeadLetter(req, Names{}, popTime)
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"offset": "1719109785", "group": "cg", "delayLevel": "-1", "originMsgId": "id", "originTopic": "%RETRY%cg+T", "unitMode": "false", "maxReconsumeTimes": "0",
	}, d.Command().Ext)
	require.Equal(t, handleOfProxy, d.Acknowledge().Ext["extraInfo"])
	req.ReceiptHandle = handleOfClient
	_, err = ReadDeadLetter(req, Names{}, popTime)
	require.Equal(t, pb.Code_INVALID_RECEIPT_HANDLE, codeOf(t, err))
	require.Equal(t, pb.Code_CONSUMER_GROUP_NOT_FOUND, DeadLetterResponse(&codec.Command{Code: 26}).Status.Code)
}
