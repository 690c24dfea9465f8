package translate

import (
	"encoding/base64"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// Recall is a RecallMessage that may go to the broker of its handle (RecallMessageHandle.java).
type Recall struct {
	Topic, Broker string
	handle        string
}

// ReadRecall validates a RecallMessage.
func ReadRecall(req *pb.RecallMessageRequest, n Names) (*Recall, error) {
	topic, err := n.Topic(req.GetTopic())
	if err != nil {
		return nil, err
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(req.GetRecallHandle(), "="))
	part := strings.Split(string(raw), " ")
	if err != nil || len(part) < 5 || part[0] != "v1" || part[2] == "" {
		return nil, refuse(pb.Code_BAD_REQUEST, "recall handle %.100q cannot be read", req.GetRecallHandle())
	}
	return &Recall{topic, part[2], req.GetRecallHandle()}, nil
}

// Command takes the message back.
func (r *Recall) Command() *codec.Command {
	return command(codec.ReqRecallMessage, map[string]string{"producerGroup": r.Topic, "topic": r.Topic, "recallHandle": r.handle})
}

// Response is what the broker's answer amounts to.
func (r *Recall) Response(answer *codec.Command) *pb.RecallMessageResponse {
	err := brokerSaysOf(answer, map[int32]pb.Code{codec.ResIllegalOperation: pb.Code_BAD_REQUEST})
	return &pb.RecallMessageResponse{Status: StatusOf(err), MessageId: answer.Ext["msgId"]}
}
