package route

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// named is for requests that say which broker they are for.
func (r *onePort) named() (Verdict, bool) {
	name := r.name()
	if len(name) == 0 {
		return Verdict{}, false
	}
	p := r.o.names[string(name)]
	if p == nil {
		return unknownBroker(string(name)), true
	}
	return r.to(p), true
}

// unknownBroker makes the client look for another broker: its route is an old one.
func unknownBroker(name string) Verdict {
	return Verdict{
		Action: Refuse, Reason: NoBroker, Code: codec.ResServiceNotAvailable,
		Remark: fmt.Sprintf("rocketmq-proxy: unknown broker %q", shorten(name)),
	}
}

// name is that of the broker that a request is for, empty if it does not say it. It points into the request.
func (r *onePort) name() []byte {
	if abbreviated(r.h.Code) {
		if name, _ := r.h.Ext(r.raw, "n"); len(name) > 0 {
			return name
		}
	}
	if name, _ := r.h.Ext(r.raw, "bname"); len(name) > 0 {
		return name
	}
	if hasHandle(r.h.Code) {
		handle, _ := r.h.Ext(r.raw, "extraInfo")
		return handleField(handle, handleBroker)
	}
	return nil
}

// topic is that of a request; "" if it has none.
func (r *onePort) topic() string {
	switch {
	case abbreviated(r.h.Code):
		return r.h.ExtString(r.raw, "b")
	case r.h.Code == codec.ReqConsumerSendMsgBack:
		return r.h.ExtString(r.raw, "originTopic")
	default:
		return r.h.ExtString(r.raw, "topic")
	}
}

// abbreviated tells requests whose ext fields have names of one letter (SendMessageRequestHeaderV2.java).
func abbreviated(code int32) bool {
	return code == codec.ReqSendMessageV2 || code == codec.ReqSendBatchMessage || code == codec.ReqSendReplyMessageV2
}

// hasHandle tells requests that are about a popped message, whose handle (extraInfo) says where it came from.
func hasHandle(code int32) bool {
	return code == codec.ReqAckMessage || code == codec.ReqAckMessageEnvoy || code == codec.ReqChangeMessageInvisibleTime
}

// handleBroker is the field of a handle that has the broker's name, counted from 1 (ExtraInfoUtil.java#getBrokerName).
const handleBroker = 6

// handleField is one field of a handle; they stand between single blanks. It is empty when there are not as many.
func handleField(handle []byte, n int) []byte {
	for ; n > 1; n-- {
		_, rest, ok := bytes.Cut(handle, []byte{' '})
		if !ok {
			return nil
		}
		handle = rest
	}
	field, _, _ := bytes.Cut(handle, []byte{' '})
	return field
}

// ofGroup tells topics that belong to a group: each cluster in which it consumes has one (KeyBuilder.java, MixAll.java).
func ofGroup(topic string) bool {
	return strings.HasPrefix(topic, "%RETRY%") || strings.HasPrefix(topic, "%DLQ%")
}

// shorten bounds what of a client's words stands in a remark.
func shorten(s string) string { return s[:min(len(s), 255)] }
