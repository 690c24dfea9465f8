package translate

import (
	"strconv"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// DeadLetter is a message that goes to its group's dead letters: first it is put there, then it is acknowledged.
type DeadLetter struct {
	Topic, Group string
	Handle       Handle
	messageID    string
}

// ReadDeadLetter validates a ForwardMessageToDeadLetterQueue.
func ReadDeadLetter(req *pb.ForwardMessageToDeadLetterQueueRequest, n Names, now time.Time) (*DeadLetter, error) {
	d := &DeadLetter{messageID: req.GetMessageId()}
	var err error
	if d.Topic, err = n.Topic(req.GetTopic()); err != nil {
		return nil, err
	}
	if d.Group, err = n.Group(req.GetGroup()); err != nil {
		return nil, err
	}
	if d.Handle, err = ReadHandle(req.GetReceiptHandle()); err != nil {
		return nil, err
	}
	if d.Handle.CommitLogOffset == NoOffset {
		return nil, refuse(pb.Code_INVALID_RECEIPT_HANDLE, "the receipt handle does not say where the message is stored")
	}
	return d, d.Handle.checkAlive(now)
}

// DeadLetter is what becomes of a popped message that was delivered too often.
func (r *Receive) DeadLetter(p *Popped) *DeadLetter {
	return &DeadLetter{r.Topic, r.ConsumerGroup, p.Handle, p.id()}
}

// Command puts the message to the dead letters.
func (d *DeadLetter) Command() *codec.Command {
	return command(codec.ReqConsumerSendMsgBack, map[string]string{
		"offset": strconv.FormatInt(d.Handle.CommitLogOffset, 10), "group": d.Group, "delayLevel": "-1", "originMsgId": d.messageID,
		"originTopic": d.Handle.storedIn(d.Topic, d.Group), "unitMode": "false", "maxReconsumeTimes": "0",
	})
}

// Acknowledge is what follows when the message is there.
func (d *DeadLetter) Acknowledge() *codec.Command { return ackCommand(d.Topic, d.Group, d.Handle) }

// DeadLetterResponse is what the broker's answer to Command amounts to.
func DeadLetterResponse(answer *codec.Command) *pb.ForwardMessageToDeadLetterQueueResponse {
	return &pb.ForwardMessageToDeadLetterQueueResponse{Status: StatusOf(brokerSays(answer))}
}
