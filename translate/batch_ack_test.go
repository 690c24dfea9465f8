package translate

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// acks reads an AckMessage of handles.
func acks(t *testing.T, handles ...string) *Ack {
	req := &pb.AckMessageRequest{Topic: &pb.Resource{Name: "orders"}, Group: &pb.Resource{Name: "g"}}
	for _, h := range handles {
		req.Entries = append(req.Entries, &pb.AckMessageEntry{ReceiptHandle: h})
	}
	a, err := ReadAck(req, Names{}, now)
	require.NoError(t, err)
	return a
}

// handleAt is the handle of a message in queue 3, popped from offset 100 on.
func handleAt(broker string, offset int, retry string) string {
	return fmt.Sprintf("100 %d 60000 5 %s %s 3 %d 4000", now.UnixMilli(), retry, broker, offset)
}

func TestEntriesOfABrokerAreAcknowledgedTogether(t *testing.T) {
	a := acks(t, handleAt("a", 101, "0"), handleAt("b", 100, "0"), "garbage", handleAt("a", 109, "0"), handleAt("a", 100, "1"))
	all := a.Batches()
	require.Len(t, all, 2)
	require.Equal(t, codec.ReqBatchAckMessage, all[0].Command().Code)
	var body struct {
		BrokerName string
		Acks       []map[string]any
	}
	require.NoError(t, json.Unmarshal(all[0].Command().Body, &body))
	require.Equal(t, "a", body.BrokerName)
	require.Len(t, body.Acks, 2, "messages of one pop are one entry")
	require.Equal(t, map[string]any{
		"c": "g", "t": "orders", "r": "0", "so": 100.0, "q": 3.0, "rq": 5.0, "pt": float64(now.UnixMilli()), "it": 60000.0, "b": "AgI=",
	}, body.Acks[0], "bits 1 and 9, as Java writes a BitSet")
	require.Equal(t, "1", body.Acks[1]["r"])
	require.Equal(t, "orders", body.Acks[1]["t"], "the flag says that the retry topic is meant")
	require.Equal(t, codec.ReqAckMessage, all[1].Command().Code, "one entry needs no batch")

	require.True(t, all[0].Answered(&codec.Command{Code: codec.ResSuccess}))
	require.True(t, all[1].Answered(&codec.Command{Code: codec.ResNoMessage}))
	var codes []pb.Code
	for _, e := range a.Response().Entries {
		codes = append(codes, e.Status.Code)
	}
	const ok, bad = pb.Code_OK, pb.Code_INVALID_RECEIPT_HANDLE
	require.Equal(t, []pb.Code{ok, bad, bad, ok, ok}, codes, "in the order of the request")
	require.Equal(t, pb.Code_MULTIPLE_RESULTS, a.Response().Status.Code)
}

func TestEntriesThatFitIntoNoBatchAreAlone(t *testing.T) {
	all := acks(t, handleAt("a", 100, "0"), handleAt("a", 99, "0"), handleAt("a", 100+widestBatch, "0"), handleAt("a", 100, "2")).Batches()
	require.Len(t, all, 4)
	for _, b := range all {
		require.Equal(t, codec.ReqAckMessage, b.Command().Code)
	}
}

func TestABatchThatIsRefusedSaysNothingOfItsEntries(t *testing.T) {
	a := acks(t, handleAt("a", 100, "0"), handleAt("a", 101, "0"))
	require.False(t, a.Batches()[0].Answered(&codec.Command{Code: codec.ResRequestCodeNotSupported}))
	require.Equal(t, pb.Code_OK, a.Response().Status.Code)
}
