package translate

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// TransactionID says where a half message is. SDKs take its text as it is and give it back, so any proxy can end any
// transaction.
//
//	1.<base64url of the broker's name>.<queue offset>.<commit log offset>.<message id>
type TransactionID struct {
	Broker          string
	QueueOffset     int64 // in the queue of half messages
	CommitLogOffset int64
	MessageID       string
}

func (t TransactionID) String() string {
	return strings.Join([]string{
		"1", base64.RawURLEncoding.EncodeToString([]byte(t.Broker)), strconv.FormatInt(t.QueueOffset, 10),
		strconv.FormatInt(t.CommitLogOffset, 10), t.MessageID,
	}, ".")
}

// ReadTransactionID reads the text of one.
func ReadTransactionID(text string) (TransactionID, error) {
	bad := refuse(pb.Code_INVALID_TRANSACTION_ID, "transaction id %.100q is not one of this proxy", text)
	part := strings.SplitN(text, ".", 5)
	if len(part) != 5 || part[0] != "1" {
		return TransactionID{}, bad
	}
	broker, err := base64.RawURLEncoding.DecodeString(part[1])
	t := TransactionID{Broker: string(broker), MessageID: part[4]}
	if err != nil || t.Broker == "" || t.MessageID == "" {
		return TransactionID{}, bad
	}
	if t.QueueOffset, err = strconv.ParseInt(part[2], 10, 64); err != nil || t.QueueOffset < 0 {
		return TransactionID{}, bad
	}
	if t.CommitLogOffset, err = strconv.ParseInt(part[3], 10, 64); err != nil || t.CommitLogOffset < 0 {
		return TransactionID{}, bad
	}
	return t, nil
}

// transactionOf is the id of a half message by the answer to its send; offsetID is that answer's msgId, whose last 8 bytes
// are the offset in the commit log.
func transactionOf(broker string, queueOffset int64, offsetID, messageID string) TransactionID {
	t := TransactionID{Broker: broker, QueueOffset: queueOffset, MessageID: messageID}
	if raw, err := hex.DecodeString(offsetID); err == nil && len(raw) >= 8 {
		t.CommitLogOffset = int64(binary.BigEndian.Uint64(raw[len(raw)-8:]))
	}
	return t
}

// EndTransaction is an EndTransaction that may go to the broker of its id.
type EndTransaction struct {
	TransactionID
	Topic     string
	Unknown   bool // there is nothing to tell the broker, which never answers it
	commit    bool
	fromCheck bool
}

// ReadEndTransaction validates an EndTransaction.
func ReadEndTransaction(req *pb.EndTransactionRequest, n Names) (*EndTransaction, error) {
	topic, err := n.Topic(req.GetTopic())
	if err != nil {
		return nil, err
	}
	id, err := ReadTransactionID(req.GetTransactionId())
	if err != nil {
		return nil, err
	}
	return &EndTransaction{
		TransactionID: id, Topic: topic,
		Unknown:   req.GetResolution() == pb.TransactionResolution_TRANSACTION_RESOLUTION_UNSPECIFIED,
		commit:    req.GetResolution() == pb.TransactionResolution_COMMIT,
		fromCheck: req.GetSource() == pb.TransactionSource_SOURCE_SERVER_CHECK,
	}, nil
}

// Outcomes of a transaction (MessageSysFlag.java).
const (
	outcomeCommit   = "8"
	outcomeRollback = "12"
)

// Command ends the transaction. It must never be sent twice: each commit publishes the message again.
func (e *EndTransaction) Command() *codec.Command {
	outcome := outcomeRollback
	if e.commit {
		outcome = outcomeCommit
	}
	return command(codec.ReqEndTransaction, map[string]string{
		"topic": e.Topic, "producerGroup": e.Topic, "tranStateTableOffset": strconv.FormatInt(e.QueueOffset, 10),
		"commitLogOffset": strconv.FormatInt(e.CommitLogOffset, 10), "commitOrRollback": outcome,
		"fromTransactionCheck": strconv.FormatBool(e.fromCheck), "msgId": e.MessageID, "transactionId": e.MessageID,
	})
}

// Response is what the broker's answer amounts to. 1 is a wrong group or offset, or a message that is not there; 604 one
// that has waited so long that only a check may end it.
func (e *EndTransaction) Response(answer *codec.Command) *pb.EndTransactionResponse {
	return &pb.EndTransactionResponse{Status: StatusOf(brokerSaysOf(answer, map[int32]pb.Code{
		codec.ResSystemError: pb.Code_INVALID_TRANSACTION_ID, codec.ResIllegalOperation: pb.Code_INVALID_TRANSACTION_ID,
	}))}
}

// ReadCheck reads a broker's question about a half message (39), and returns the command for the producer and the topic by
// which a producer is chosen.
func ReadCheck(broker string, c *codec.Command) (*pb.RecoverOrphanedTransactionCommand, string, error) {
	all, err := ReadStored(c.Body)
	if err != nil || len(all) != 1 {
		return nil, "", refuse(pb.Code_MESSAGE_CORRUPTED, "cannot read the half message of broker %s: %v", broker, err)
	}
	id := TransactionID{Broker: broker, MessageID: all[0].id()}
	var err1, err2 error
	id.QueueOffset, err1 = strconv.ParseInt(c.Ext["tranStateTableOffset"], 10, 64)
	id.CommitLogOffset, err2 = strconv.ParseInt(c.Ext["commitLogOffset"], 10, 64)
	if err1 != nil || err2 != nil {
		return nil, "", refuse(pb.Code_INVALID_TRANSACTION_ID, "the check of broker %s has no offsets", broker)
	}
	topic := firstOf(all[0].Properties["REAL_TOPIC"], all[0].Topic)
	m := all[0].message(&pb.Resource{Name: topic}, StoredView{})
	return &pb.RecoverOrphanedTransactionCommand{Message: m, TransactionId: id.String()}, topic, nil
}

// RecoverCommand brings the question to the producer.
func RecoverCommand(c *pb.RecoverOrphanedTransactionCommand) *pb.TelemetryCommand {
	return &pb.TelemetryCommand{Status: OK(), Command: &pb.TelemetryCommand_RecoverOrphanedTransactionCommand{RecoverOrphanedTransactionCommand: c}}
}
