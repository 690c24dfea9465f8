package grpc

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// methods are those of the API. Methods lead back to this table, which is why it is filled at init.
var methods map[string]method

func init() {
	received := serve((*call).receiveMessage, receiveFailed)
	received.last = func() proto.Message { return translate.ReceiveEnd(time.Now()) }
	methods = map[string]method{
		"QueryRoute":      serve((*call).queryRoute, func(s *pb.Status) proto.Message { return &pb.QueryRouteResponse{Status: s} }),
		"QueryAssignment": serve((*call).queryAssignment, func(s *pb.Status) proto.Message { return &pb.QueryAssignmentResponse{Status: s} }),
		"Heartbeat":       serve((*call).heartbeat, func(s *pb.Status) proto.Message { return &pb.HeartbeatResponse{Status: s} }),
		"SendMessage":     serve((*call).sendMessage, func(s *pb.Status) proto.Message { return &pb.SendMessageResponse{Status: s} }),
		"ReceiveMessage":  received,
		"AckMessage":      serve((*call).ackMessage, func(s *pb.Status) proto.Message { return &pb.AckMessageResponse{Status: s} }),
		"ChangeInvisibleDuration": serve((*call).changeInvisible,
			func(s *pb.Status) proto.Message { return &pb.ChangeInvisibleDurationResponse{Status: s} }),
		"ForwardMessageToDeadLetterQueue": serve((*call).deadLetter,
			func(s *pb.Status) proto.Message { return &pb.ForwardMessageToDeadLetterQueueResponse{Status: s} }),
		"EndTransaction": serve((*call).endTransaction, func(s *pb.Status) proto.Message { return &pb.EndTransactionResponse{Status: s} }),
		"RecallMessage":  serve((*call).recall, func(s *pb.Status) proto.Message { return &pb.RecallMessageResponse{Status: s} }),
		"NotifyClientTermination": serve((*call).terminate,
			func(s *pb.Status) proto.Message { return &pb.NotifyClientTerminationResponse{Status: s} }),
		"PullMessage":  serve((*call).pull, pullFailed),
		"UpdateOffset": serve((*call).updateOffset, func(s *pb.Status) proto.Message { return &pb.UpdateOffsetResponse{Status: s} }),
		"GetOffset":    serve((*call).getOffset, func(s *pb.Status) proto.Message { return &pb.GetOffsetResponse{Status: s} }),
		"QueryOffset":  serve((*call).queryOffset, func(s *pb.Status) proto.Message { return &pb.QueryOffsetResponse{Status: s} }),
		"SyncLiteSubscription": serve((*call).liteSubscription,
			func(s *pb.Status) proto.Message { return &pb.SyncLiteSubscriptionResponse{Status: s} }),
		"Telemetry": {begin: func(c *call, first []byte) { c.telemetry(first) }, failed: func(s *pb.Status) proto.Message { return &pb.TelemetryCommand{Status: s} }},
	}
	for name, code := range requestCodes {
		m := methods[name]
		m.code = code
		methods[name] = m
	}
}

// requestCodes are what remoting clients send instead of each method.
var requestCodes = map[string]int32{
	"QueryRoute":                      codec.ReqGetRouteInfoByTopic,
	"QueryAssignment":                 codec.ReqQueryAssignment,
	"Heartbeat":                       codec.ReqHeartBeat,
	"SendMessage":                     codec.ReqSendMessageV2,
	"ReceiveMessage":                  codec.ReqPopMessage,
	"AckMessage":                      codec.ReqAckMessage,
	"ChangeInvisibleDuration":         codec.ReqChangeMessageInvisibleTime,
	"ForwardMessageToDeadLetterQueue": codec.ReqConsumerSendMsgBack,
	"EndTransaction":                  codec.ReqEndTransaction,
	"RecallMessage":                   codec.ReqRecallMessage,
	"NotifyClientTermination":         codec.ReqUnregisterClient,
	"PullMessage":                     codec.ReqPullMessage,
	"UpdateOffset":                    codec.ReqUpdateConsumerOffset,
	"GetOffset":                       codec.ReqQueryConsumerOffset,
	"QueryOffset":                     codec.ReqSearchOffsetByTimestamp,
}

func receiveFailed(s *pb.Status) proto.Message {
	return &pb.ReceiveMessageResponse{Content: &pb.ReceiveMessageResponse_Status{Status: s}}
}

func pullFailed(s *pb.Status) proto.Message {
	return &pb.PullMessageResponse{Content: &pb.PullMessageResponse_Status{Status: s}}
}

func (c *call) heartbeat(*pb.HeartbeatRequest) { c.reply(translate.Heartbeat()) }

func (c *call) terminate(*pb.NotifyClientTerminationRequest) { c.reply(translate.Termination()) }

func (c *call) liteSubscription(*pb.SyncLiteSubscriptionRequest) { c.fail(translate.NoLiteTopics()) }
