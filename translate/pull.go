package translate

import (
	"strconv"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// Pull is a PullMessage that may go to a broker.
type Pull struct {
	QueueRequest
	topic  *pb.Resource
	filter Filter
	offset int64
}

// pullFlags let the broker hold the request, and say that it has the subscription with it (PullSysFlag.java).
const pullFlags = 2 | 4

// ReadPull validates a PullMessage (11). left is the time until its deadline, or NoDeadline.
func ReadPull(req *pb.PullMessageRequest, n Names, left time.Duration) (*Pull, error) {
	poll, err := pollTime(&pb.ReceiveMessageRequest{LongPollingTimeout: req.GetLongPollingTimeout()}, left)
	if err != nil {
		return nil, err
	}
	topic, err := readQueue(req.GetMessageQueue(), n)
	if err != nil {
		return nil, err
	}
	group, err := n.Group(req.GetGroup())
	if err != nil {
		return nil, err
	}
	if req.GetOffset() < 0 {
		return nil, refuse(pb.Code_ILLEGAL_OFFSET, "offset %d is negative", req.GetOffset())
	}
	p := &Pull{topic: req.GetMessageQueue().GetTopic(), offset: req.GetOffset()}
	if p.filter, err = ReadFilter(req.GetFilterExpression()); err != nil {
		return nil, err
	}
	p.QueueRequest = *forQueue(codec.ReqPullMessage, req.GetMessageQueue(), map[string]string{
		"topic": topic, "consumerGroup": group, "queueOffset": strconv.FormatInt(req.GetOffset(), 10),
		"maxMsgNums": strconv.Itoa(min(max(int(req.GetBatchSize()), 1), maxBatch)), "sysFlag": strconv.Itoa(pullFlags), "commitOffset": "0",
		"suspendTimeoutMillis": strconv.FormatInt(poll.Milliseconds(), 10), "subscription": p.filter.Expression, "subVersion": "0",
		"expressionType": p.filter.Type,
	})
	return p, nil
}

// Responses are what the broker's answer amounts to: a status, the messages, and where to go on.
func (p *Pull) Responses(answer *codec.Command, now time.Time) []*pb.PullMessageResponse {
	next, err := strconv.ParseInt(answer.Ext["nextBeginOffset"], 10, 64)
	if err != nil {
		next = p.offset
	}
	end := &pb.PullMessageResponse{Content: &pb.PullMessageResponse_NextOffset{NextOffset: next}}
	all, err := p.messages(answer)
	if err != nil {
		return []*pb.PullMessageResponse{{Content: &pb.PullMessageResponse_Status{Status: StatusOf(err)}}, end}
	}
	list := []*pb.PullMessageResponse{{Content: &pb.PullMessageResponse_Status{Status: OK()}}}
	for _, m := range all {
		list = append(list, &pb.PullMessageResponse{Content: &pb.PullMessageResponse_Message{Message: m.message(p.topic, StoredView{Now: now})}})
	}
	return append(list, end)
}

// pullCodes are the codes with which nothing was found, and of an offset that the queue does not have.
var pullCodes = map[int32]pb.Code{
	codec.ResPullRetryImmediately: pb.Code_MESSAGE_NOT_FOUND, codec.ResPullOffsetMoved: pb.Code_ILLEGAL_OFFSET,
}

func (p *Pull) messages(answer *codec.Command) (wanted []*Stored, err error) {
	if err := brokerSaysOf(answer, pullCodes); err != nil {
		return nil, err
	}
	all, err := ReadStored(answer.Body)
	if err != nil {
		return nil, refuse(pb.Code_INTERNAL_SERVER_ERROR, "broker %s: %v", p.Broker, err)
	}
	for _, m := range all {
		if p.filter.Matches(m.Properties[propTags]) {
			wanted = append(wanted, m)
		}
	}
	if len(wanted) == 0 {
		return nil, refuse(pb.Code_MESSAGE_NOT_FOUND, "no matching message")
	}
	return wanted, nil
}
