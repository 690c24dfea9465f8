package translate

import (
	"strconv"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// Ack is an AckMessage: entries, each of which goes to the broker of its handle.
type Ack struct {
	Topic, Group string
	Entries      []AckEntry
}

// AckEntry is one of them.
type AckEntry struct {
	Handle Handle
	Err    error // it cannot go to a broker, or what the broker made of it
	entry  *pb.AckMessageEntry
}

// ReadAck validates an AckMessage. Whether an entry can be acknowledged is in the entry.
func ReadAck(req *pb.AckMessageRequest, n Names, now time.Time) (*Ack, error) {
	a := &Ack{}
	var err error
	if a.Topic, err = n.Topic(req.GetTopic()); err != nil {
		return nil, err
	}
	if a.Group, err = n.Group(req.GetGroup()); err != nil {
		return nil, err
	}
	if len(req.GetEntries()) == 0 {
		return nil, refuse(pb.Code_BAD_REQUEST, "there is no entry to acknowledge")
	}
	for _, e := range req.GetEntries() {
		one := AckEntry{entry: e}
		if one.Handle, one.Err = ReadHandle(e.GetReceiptHandle()); one.Err == nil {
			one.Err = one.Handle.checkAlive(now)
		}
		a.Entries = append(a.Entries, one)
	}
	return a, nil
}

// Command acknowledges one entry at the broker of its handle.
func (a *Ack) Command(e *AckEntry) *codec.Command { return ackCommand(a.Topic, a.Group, e.Handle) }

func ackCommand(topic, group string, h Handle) *codec.Command {
	return command(codec.ReqAckMessage, map[string]string{
		"consumerGroup": group, "topic": h.storedIn(topic, group), "queueId": strconv.Itoa(int(h.QueueID)),
		"extraInfo": h.String(), "offset": strconv.FormatInt(h.QueueOffset, 10),
	})
}

// handleCodes are codes that are final for a handle: SDKs would repeat anything but INVALID_RECEIPT_HANDLE for ever.
var handleCodes = map[int32]pb.Code{
	codec.ResNoMessage: pb.Code_INVALID_RECEIPT_HANDLE, codec.ResMessageIllegal: pb.Code_INVALID_RECEIPT_HANDLE,
	codec.ResSystemError: pb.Code_INVALID_RECEIPT_HANDLE,
}

// Answered notes what the broker said of an entry.
func (e *AckEntry) Answered(answer *codec.Command) { e.Err = brokerSaysOf(answer, handleCodes) }

// Response is what became of the entries, in the order of the request.
func (a *Ack) Response() *pb.AckMessageResponse {
	r := &pb.AckMessageResponse{}
	for i := range a.Entries {
		e := &a.Entries[i]
		status := StatusOf(e.Err)
		r.Entries = append(r.Entries, &pb.AckMessageResultEntry{MessageId: e.entry.GetMessageId(), ReceiptHandle: e.entry.GetReceiptHandle(), Status: status})
		switch {
		case r.Status == nil:
			r.Status = status
		case r.Status.Code != status.Code:
			r.Status = &pb.Status{Code: pb.Code_MULTIPLE_RESULTS, Message: "entries have different results"}
		}
	}
	return r
}

// Acknowledge is the command for a popped message that is not delivered.
func (r *Receive) Acknowledge(p *Popped) *codec.Command {
	return ackCommand(r.Topic, r.ConsumerGroup, p.Handle)
}
