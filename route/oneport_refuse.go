package route

import (
	"fmt"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// refuse is for what no rule applies to. To guess a broker was tried, and loses messages.
func (r *onePort) refuse() Verdict {
	return r.unsaid("%s does not say which broker it is for: %s; a listener with brokers = \"port-per-broker\" needs no name",
		r.request(), missing(r.h.Code))
}

// unsaid refuses a request that does not say enough.
func (r *onePort) unsaid(format string, args ...any) Verdict {
	return Verdict{
		Action: Refuse, Reason: Unnamed, Code: codec.ResVersionNotSupported, Remark: "rocketmq-proxy: " + fmt.Sprintf(format, args...),
	}
}

// noBroker answers as a broker does that is going away: the client looks for another one, or tries again.
func noBroker(format string, args ...any) Verdict {
	return Verdict{
		Action: Refuse, Reason: NoBroker, Code: codec.ResServiceNotAvailable, Remark: "rocketmq-proxy: " + fmt.Sprintf(format, args...),
	}
}

// ask has the clusters of topics asked.
func ask(topics ...TopicKey) Verdict { return Verdict{Action: AskTopics, Ask: &topics} }

// request is its name and code for a remark.
func (r *onePort) request() string {
	return fmt.Sprintf("%s (%d)", codec.RequestCodeName(r.h.Code), r.h.Code)
}

const (
	javaSends   = "Java clients send it from 4.9.5 (4.9) and 5.1.0 on"
	goSends     = ", Go clients later than v2.1.2"
	java5Sends  = "Java clients send it from 5.0.0 on"
	java51Sends = "Java clients send it from 5.1.0 on"
)

// missing names the field that a request could say its broker in, and who sends it (PROTOCOL.md section B).
func missing(code int32) string {
	field := func(name, sent string) string { return fmt.Sprintf("it has no field %q; %s", name, sent) }
	switch code {
	case codec.ReqSendMessage, codec.ReqConsumerSendMsgBack, codec.ReqEndTransaction, codec.ReqSendReplyMessage:
		return field("bname", javaSends+goSends)
	case codec.ReqSendMessageV2, codec.ReqSendReplyMessageV2:
		return field("n", javaSends)
	case codec.ReqSendBatchMessage:
		return field("n", javaSends+goSends)
	case codec.ReqPullMessage, codec.ReqQueryConsumerOffset, codec.ReqUpdateConsumerOffset, codec.ReqSearchOffsetByTimestamp, codec.ReqGetMaxOffset:
		return field("bname", "Java clients send it from 4.9.5 (4.9) and 5.0.0 on"+goSends)
	case codec.ReqGetMinOffset, codec.ReqGetEarliestMsgStoreTime:
		return field("bname", "Java clients send it from 4.9.5 (4.9) and 5.0.0 on")
	case codec.ReqLitePullMessage:
		return field("bname", java5Sends)
	case codec.ReqRecallMessage:
		return field("bname", "Java clients send it from 5.3.2 on")
	case codec.ReqPopMessage, codec.ReqPopMessageEnvoy:
		return field("bname", java51Sends)
	case codec.ReqAckMessage, codec.ReqAckMessageEnvoy, codec.ReqChangeMessageInvisibleTime:
		return field("bname", java51Sends) + `, and a handle in the field "extraInfo"`
	case codec.ReqBatchAckMessage:
		return `its body has no "brokerName"; Java clients send it from 5.1.0 on`
	case codec.ReqLockBatchMQ, codec.ReqUnlockBatchMQ:
		return `the queues of its body ("mqSet") have no "brokerName"; all clients send it`
	case codec.ReqGetConsumerListByGroup, codec.ReqCheckClientConfig, codec.ReqQueryAssignment:
		return field("bname", "no client version sends it, and no broker that is up has a heartbeat of this client")
	default:
		return field("bname", "no client version sends it")
	}
}
