package translate

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// Refusal is why a call was not served, as its status says it.
type Refusal struct {
	Code    pb.Code
	Message string
}

func (r *Refusal) Error() string { return fmt.Sprintf("%s (%d)", r.Message, int32(r.Code)) }

func refuse(code pb.Code, format string, args ...any) error {
	return &Refusal{code, strings.ToValidUTF8(fmt.Sprintf(format, args...), "\uFFFD")} // brokers' remarks may be anything
}

// OK is the status of success.
func OK() *pb.Status { return &pb.Status{Code: pb.Code_OK, Message: "OK"} }

// StatusOf is what a client is told of an error; nil is success. What is not a Refusal is a fault of ours.
func StatusOf(err error) *pb.Status {
	if err == nil {
		return OK()
	}
	var r *Refusal
	if errors.As(err, &r) {
		return &pb.Status{Code: r.Code, Message: r.Message}
	}
	return &pb.Status{Code: pb.Code_INTERNAL_SERVER_ERROR, Message: err.Error()}
}

// codes are what brokers' codes are to a client, whatever it has asked for.
var codes = map[int32]pb.Code{
	codec.ResSystemBusy:                pb.Code_TOO_MANY_REQUESTS,
	codec.ResFlowControl:               pb.Code_TOO_MANY_REQUESTS,
	codec.ResPollingFull:               pb.Code_TOO_MANY_REQUESTS,
	codec.ResRequestCodeNotSupported:   pb.Code_NOT_IMPLEMENTED,
	codec.ResFlushDiskTimeout:          pb.Code_MASTER_PERSISTENCE_TIMEOUT,
	codec.ResSlaveNotAvailable:         pb.Code_HA_NOT_AVAILABLE,
	codec.ResFlushSlaveTimeout:         pb.Code_SLAVE_PERSISTENCE_TIMEOUT,
	codec.ResMessageIllegal:            pb.Code_BAD_REQUEST,
	codec.ResInvalidParameter:          pb.Code_BAD_REQUEST,
	codec.ResNoPermission:              pb.Code_FORBIDDEN,
	codec.ResTopicNotExist:             pb.Code_TOPIC_NOT_FOUND,
	codec.ResSubscriptionParseFailed:   pb.Code_ILLEGAL_FILTER_EXPRESSION,
	codec.ResSubscriptionGroupNotExist: pb.Code_CONSUMER_GROUP_NOT_FOUND,
	codec.ResPullNotFound:              pb.Code_MESSAGE_NOT_FOUND,
	codec.ResPollingTimeout:            pb.Code_MESSAGE_NOT_FOUND,
	codec.ResLiteTopicQuota:            pb.Code_LITE_TOPIC_QUOTA_EXCEEDED,
	codec.ResLiteSubscriptionQuota:     pb.Code_LITE_SUBSCRIPTION_QUOTA_EXCEEDED,
}

// brokerSays is nil when a broker has said 0, else the Refusal that its code and remark amount to. Its remark with code 0
// may say "not set any response code", and is dropped.
func brokerSays(answer *codec.Command) error {
	if answer.Code == codec.ResSuccess {
		return nil
	}
	code, ok := codes[answer.Code]
	if !ok {
		code = pb.Code_INTERNAL_SERVER_ERROR
	}
	return refuse(code, "broker: %s %s", codec.ResponseCodeName(answer.Code), answer.Remark)
}

// brokerSaysOf is brokerSays where some codes mean something else for this call.
func brokerSaysOf(answer *codec.Command, special map[int32]pb.Code) error {
	if code, ok := special[answer.Code]; ok {
		return refuse(code, "broker: %s %s", codec.ResponseCodeName(answer.Code), answer.Remark)
	}
	return brokerSays(answer)
}

// Transient reports that a broker's answer says nothing about the request: the broker, or its proxy, did not look at it.
// Another broker may serve it, if a request may go to another one.
func Transient(answer *codec.Command) bool {
	switch answer.Code {
	case codec.ResSystemBusy, codec.ResServiceNotAvailable, codec.ResGoAway:
		return true
	}
	return false
}
