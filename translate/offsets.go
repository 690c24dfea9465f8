package translate

import (
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// QueueRequest is one for a queue at a broker.
type QueueRequest struct {
	Broker  string
	Command *codec.Command
}

func readQueue(q *pb.MessageQueue, n Names) (topic string, err error) {
	if topic, err = n.Topic(q.GetTopic()); err != nil {
		return "", err
	}
	if q.GetBroker().GetName() == "" || q.GetId() < 0 {
		return "", refuse(pb.Code_BAD_REQUEST, "the request names no queue: its broker is %q, its id %d", q.GetBroker().GetName(), q.GetId())
	}
	return topic, nil
}

// ReadUpdateOffset validates an UpdateOffset (15).
func ReadUpdateOffset(req *pb.UpdateOffsetRequest, n Names) (*QueueRequest, error) {
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
	return forQueue(codec.ReqUpdateConsumerOffset, req.GetMessageQueue(), map[string]string{
		"topic": topic, "consumerGroup": group, "commitOffset": strconv.FormatInt(req.GetOffset(), 10),
	}), nil
}

// ReadGetOffset validates a GetOffset (14).
func ReadGetOffset(req *pb.GetOffsetRequest, n Names) (*QueueRequest, error) {
	topic, err := readQueue(req.GetMessageQueue(), n)
	if err != nil {
		return nil, err
	}
	group, err := n.Group(req.GetGroup())
	if err != nil {
		return nil, err
	}
	return forQueue(codec.ReqQueryConsumerOffset, req.GetMessageQueue(), map[string]string{"topic": topic, "consumerGroup": group}), nil
}

// ReadQueryOffset validates a QueryOffset (31, 30, 29).
func ReadQueryOffset(req *pb.QueryOffsetRequest, n Names) (*QueueRequest, error) {
	topic, err := readQueue(req.GetMessageQueue(), n)
	if err != nil {
		return nil, err
	}
	ext := map[string]string{"topic": topic}
	code := codec.ReqGetMinOffset
	switch req.GetQueryOffsetPolicy() {
	case pb.QueryOffsetPolicy_BEGINNING:
	case pb.QueryOffsetPolicy_END:
		code = codec.ReqGetMaxOffset
	case pb.QueryOffsetPolicy_TIMESTAMP:
		if !req.GetTimestamp().IsValid() {
			return nil, refuse(pb.Code_BAD_REQUEST, "the timestamp is missing or not valid")
		}
		code = codec.ReqSearchOffsetByTimestamp
		ext["timestamp"] = strconv.FormatInt(req.GetTimestamp().AsTime().UnixMilli(), 10)
	}
	return forQueue(code, req.GetMessageQueue(), ext), nil
}

func forQueue(code int32, q *pb.MessageQueue, ext map[string]string) *QueueRequest {
	ext["queueId"] = strconv.Itoa(int(q.GetId()))
	return &QueueRequest{q.GetBroker().GetName(), command(code, ext)}
}

// UpdateOffsetResponse is what the answer to 15 amounts to.
func UpdateOffsetResponse(answer *codec.Command) *pb.UpdateOffsetResponse {
	return &pb.UpdateOffsetResponse{Status: StatusOf(brokerSays(answer))}
}

// GetOffsetResponse is what the answer to 14 amounts to.
func GetOffsetResponse(answer *codec.Command) *pb.GetOffsetResponse {
	offset, err := offsetOf(answer)
	return &pb.GetOffsetResponse{Status: StatusOf(err), Offset: offset}
}

// QueryOffsetResponse is what the answer to 29, 30 or 31 amounts to.
func QueryOffsetResponse(answer *codec.Command) *pb.QueryOffsetResponse {
	offset, err := offsetOf(answer)
	return &pb.QueryOffsetResponse{Status: StatusOf(err), Offset: offset}
}

func offsetOf(answer *codec.Command) (int64, error) {
	if err := brokerSaysOf(answer, map[int32]pb.Code{codec.ResQueryNotFound: pb.Code_OFFSET_NOT_FOUND}); err != nil {
		return 0, err
	}
	offset, err := strconv.ParseInt(answer.Ext["offset"], 10, 64)
	if err != nil {
		return 0, refuse(pb.Code_INTERNAL_SERVER_ERROR, "the broker's answer has offset %.30q", answer.Ext["offset"])
	}
	return offset, nil
}
