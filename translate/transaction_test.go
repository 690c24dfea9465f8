package translate

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

func TestATransactionIDSaysWhereTheHalfMessageIs(t *testing.T) {
	m := aMessage()
	m.SystemProperties.MessageType = pb.MessageType_TRANSACTION
	r := send(t, m).Response("broker.a b", &codec.Command{Ext: map[string]string{"queueOffset": "12", "msgId": "0A00000100002A9F0000000066778899"}})
	id, err := ReadTransactionID(r.Entries[0].TransactionId)
	require.NoError(t, err)
	require.Equal(t, TransactionID{"broker.a b", 12, 0x66778899, "01AB"}, id)
}

func TestOtherTransactionIDsAreRefused(t *testing.T) {
	for _, text := range []string{"", "01AB", "1.YQ.1.2", "2.YQ.1.2.id", "1..1.2.id", "1.YQ.-1.2.id", "1.YQ.1.x.id", "1.YQ.1.2.", "1.!.1.2.id"} {
		_, err := ReadTransactionID(text)
		require.Equal(t, pb.Code_INVALID_TRANSACTION_ID, codeOf(t, err), text)
	}
	id, err := ReadTransactionID("1.YQ.1.2.id.with.dots")
	require.NoError(t, err)
	require.Equal(t, "id.with.dots", id.MessageID)
}

func anEnd(r pb.TransactionResolution) *pb.EndTransactionRequest {
	return &pb.EndTransactionRequest{
		Topic: &pb.Resource{Name: "orders"}, MessageId: "id", TransactionId: "1.YnJva2VyLWE.12.345.id", Resolution: r,
		Source: pb.TransactionSource_SOURCE_SERVER_CHECK,
	}
}

func TestATransactionEndsByItsOutcome(t *testing.T) {
	for resolution, want := range map[pb.TransactionResolution]string{pb.TransactionResolution_COMMIT: "8", pb.TransactionResolution_ROLLBACK: "12"} {
		e, err := ReadEndTransaction(anEnd(resolution), Names{})
		require.NoError(t, err)
		require.Equal(t, "broker-a", e.Broker)
		require.False(t, e.Unknown)
		require.Equal(t, map[string]string{
			"topic": "orders", "producerGroup": "orders", "tranStateTableOffset": "12", "commitLogOffset": "345", "commitOrRollback": want,
			"fromTransactionCheck": "true", "msgId": "id", "transactionId": "id",
		}, e.Command().Ext)
		require.Zero(t, e.Command().Flag, "it is not oneway: the client is told the outcome")
	}
	e, err := ReadEndTransaction(anEnd(pb.TransactionResolution_TRANSACTION_RESOLUTION_UNSPECIFIED), Names{})
	require.NoError(t, err)
	require.True(t, e.Unknown)
	for code, want := range map[int32]pb.Code{0: pb.Code_OK, 1: pb.Code_INVALID_TRANSACTION_ID, 604: pb.Code_INVALID_TRANSACTION_ID, 2: pb.Code_TOO_MANY_REQUESTS} {
		require.Equal(t, want, e.Response(&codec.Command{Code: code}).Status.Code)
	}
}

func TestACheckAsksAProducerOfTheTopic(t *testing.T) {
	c, topic, err := ReadCheck("broker-a", &codec.Command{
		Ext: map[string]string{"tranStateTableOffset": "12", "commitLogOffset": "345"}, Body: bytesOf(t, storedV4),
	})
	require.NoError(t, err)
	require.Equal(t, "TopicTest", topic)
	id, err := ReadTransactionID(c.TransactionId)
	require.NoError(t, err)
	require.Equal(t, TransactionID{"broker-a", 12, 345, "0A00000100002A9F0000000066778899"}, id)
	require.Equal(t, "hello", string(c.Message.Body))
	_, _, err = ReadCheck("broker-a", &codec.Command{})
	require.Error(t, err)
}

func TestARecallGoesToTheBrokerOfItsHandle(t *testing.T) {
	// RecallMessageHandle.java: "v1 orders broker-a 1700000000000 01AB"
	const handle = "djEgb3JkZXJzIGJyb2tlci1hIDE3MDAwMDAwMDAwMDAgMDFBQg=="
	r, err := ReadRecall(&pb.RecallMessageRequest{Topic: &pb.Resource{Name: "orders"}, RecallHandle: handle}, Names{})
	require.NoError(t, err)
	require.Equal(t, "broker-a", r.Broker)
	require.Equal(t, map[string]string{"producerGroup": "orders", "topic": "orders", "recallHandle": handle}, r.Command().Ext)
	require.Equal(t, "01AB", r.Response(&codec.Command{Ext: map[string]string{"msgId": "01AB"}}).MessageId)
	require.Equal(t, pb.Code_BAD_REQUEST, r.Response(&codec.Command{Code: 604}).Status.Code)
	require.Equal(t, pb.Code_FORBIDDEN, r.Response(&codec.Command{Code: 16}).Status.Code)
	_, err = ReadRecall(&pb.RecallMessageRequest{Topic: &pb.Resource{Name: "orders"}, RecallHandle: "garbage"}, Names{})
	require.Equal(t, pb.Code_BAD_REQUEST, codeOf(t, err))
}
