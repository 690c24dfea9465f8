package embedded

import "github.com/rocketmq-proxy/rocketmq-proxy/codec"

// ackHeader is what 200051 and 200053 say of a message.
type ackHeader struct {
	key    offsetKey
	offset int64
	handle handle
}

// ackHeader reads the header and finds the queue; the topic is the one the message is really stored in.
func (b *Broker) ackHeader(r *request) (h ackHeader, refusal *codec.Command) {
	f := r.fields()
	h.key = offsetKey{f.str("consumerGroup"), f.str("topic"), f.int32("queueId")}
	h.offset = f.int("offset")
	extra := f.str("extraInfo")
	if f.err != nil {
		return h, r.illegal(f.err)
	}
	var ok bool
	if h.handle, ok = parseHandle(extra); !ok {
		return h, r.refuse(codec.ResMessageIllegal, "the handle %q is malformed", extra)
	}
	return h, b.ackable(r, h.key, h.offset)
}

// ackable checks as AckMessageProcessor.java does.
func (b *Broker) ackable(r *request, k offsetKey, offset int64) *codec.Command {
	t := b.set.topics[k.topic]
	if t == nil {
		return r.refuse(codec.ResTopicNotExist, "topic[%s] not exist, apply first please!", k.topic)
	}
	q := t.queue(k.queue)
	if q == nil {
		return r.refuse(codec.ResMessageIllegal, "queueId[%d] is illegal, topic:[%s] topicConfig.readQueueNums:[%d] consumer:[%s]",
			k.queue, k.topic, t.ReadQueues, r.conn.peer)
	}
	if offset < q.first || offset > q.end() {
		return r.refuse(codec.ResNoMessage, "offset is illegal, key:%s %d, commit:%d, store:%d~%d", k.topic, k.queue, offset, q.first, q.end())
	}
	return nil
}

// ack handles 200051. An ack that comes too late succeeds: the message has been delivered again.
func (b *Broker) ack(r *request) *codec.Command {
	h, refusal := b.ackHeader(r)
	if refusal != nil {
		return refusal
	}
	b.settle(h.key, h.handle, h.offset)
	return r.ok()
}

// settle acks one message, if it is out under that handle.
func (b *Broker) settle(k offsetKey, h handle, offset int64) {
	if h.revive == orderlyRevive {
		b.settleInOrder(k, h, offset)
	} else if b.set.ackPopped(k, h, offset) {
		b.set.commitPopped(k)
	}
}

// ackPopped ends one message under its handle, if it is out under that.
func (s *brokerSet) ackPopped(k offsetKey, h handle, offset int64) bool {
	o := s.pops.out[k]
	return o != nil && o.ack(checkpointKey{h.start, h.popTime, h.revive}, offset)
}
