package embedded

import (
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// sendBack handles 36: a consumer could not use a message. It comes again later through the group's retry topic, or
// goes to its dead letters (AbstractSendMessageProcessor.java#consumerSendMsgBack).
func (b *Broker) sendBack(r *request) *codec.Command {
	f := r.fields()
	group, offset, level := f.str("group"), f.int("offset"), f.int("delayLevel")
	most := f.intOr("maxReconsumeTimes", -1)
	if f.err != nil {
		return r.illegal(f.err)
	}
	g := b.set.group(group)
	if g == nil {
		return r.refuse(codec.ResSubscriptionGroupNotExist, "subscription group not exist, %s", group)
	}
	if g.RetryQueueNums <= 0 {
		return r.ok()
	}
	rec := b.set.store.find(offset)
	if rec == nil {
		return r.refuse(codec.ResSystemError, "look message by offset failed, %d", offset)
	}
	if most < 0 {
		most = int64(g.RetryMaxTimes)
	}
	m := b.retryOf(rec)
	if level < 0 || int64(rec.reconsumed) >= most {
		b.toDeadLetters(&m, rec, group)
	} else {
		if level == 0 {
			level = 3 + int64(rec.reconsumed)
		}
		m.topic = b.set.retryTopic(retryPrefix + group).Name
		m.properties = m.properties.with(propDelayLevel, strconv.FormatInt(level, 10))
	}
	if _, err := b.set.accept(m); err != nil {
		return r.refuse(codec.ResSystemError, "%v", err)
	}
	return r.ok()
}

// retryOf is a message once more, with the traces that consumers look for.
func (b *Broker) retryOf(rec *record) message {
	m := rec.message
	if m.properties.get(propRetryTopic) == "" {
		m.properties = m.properties.with(propRetryTopic, rec.topic)
	}
	if m.properties.get(propOriginID) == "" {
		m.properties = m.properties.with(propOriginID, rec.id())
	}
	m.queue, m.storeHost = 0, b.host
	m.reconsumed++
	return m
}

func (b *Broker) toDeadLetters(m *message, rec *record, group string) {
	m.topic = b.set.retryTopic(deadPrefix + group).Name
	m.properties = m.properties.without(propDelayLevel).with(propDeadTopic, rec.topic).with(propDeadID, rec.id())
}
