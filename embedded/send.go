package embedded

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// sendHeader is the header of a send in either spelling.
type sendHeader struct {
	group, topic  string
	pattern       string // topic to create this one after
	patternQueues int
	queue         int32
	sysFlag, flag int32
	bornAt        int64
	properties    properties
	reconsumed    int32
	maxReconsume  int64 // -1: not said
}

// sendFields are the long names; the letters a..n of the V2 header (SendMessageRequestHeaderV2.java) mean the same.
var sendFields = map[string]string{
	"producerGroup": "a", "topic": "b", "defaultTopic": "c",
	"defaultTopicQueueNums": "d", "queueId": "e", "sysFlag": "f", "bornTimestamp": "g", "flag": "h",
	"properties": "i", "reconsumeTimes": "j", "maxReconsumeTimes": "l",
}

func (r *request) sendHeader() (sendHeader, error) {
	name := func(long string) string { return long }
	switch r.Code {
	case codec.ReqSendMessageV2, codec.ReqSendBatchMessage, codec.ReqSendReplyMessageV2:
		name = func(long string) string { return sendFields[long] }
	}
	f := r.fields()
	h := sendHeader{
		group:         f.str(name("producerGroup")),
		topic:         f.str(name("topic")),
		pattern:       f.str(name("defaultTopic")),
		patternQueues: int(f.int(name("defaultTopicQueueNums"))),
		queue:         f.int32(name("queueId")),
		sysFlag:       f.int32(name("sysFlag")),
		bornAt:        f.int(name("bornTimestamp")),
		flag:          f.int32(name("flag")),
		properties:    properties(r.Ext[name("properties")]),
		reconsumed:    int32(f.intOr(name("reconsumeTimes"), 0)),
		maxReconsume:  f.intOr(name("maxReconsumeTimes"), -1),
	}
	return h, f.err
}

// send handles 10 and 310.
func (b *Broker) send(r *request) *codec.Command {
	h, err := r.sendHeader()
	if err != nil {
		return r.illegal(err)
	}
	if refusal := b.admit(r, &h); refusal != nil {
		return refusal
	}
	// A consumer writes no trace of a message without them (AbstractSendMessageProcessor.java#buildMsgContext).
	traced := h.properties.with("MSG_REGION", region).with("TRACE_ON", "true")
	m := b.newMessage(r, &h, r.Body, traced)
	if refusal := b.checkSize(r, m); refusal != nil {
		return refusal
	}
	b.set.deadLetter(&h, &m)
	var rec *record
	if h.properties.get(propTransaction) == "true" {
		rec = b.set.putHalf(m)
	} else if rec, err = b.set.accept(m); err != nil {
		return r.refuse(codec.ResMessageIllegal, "%v", err)
	}
	answer := r.sent(rec, m.queue, rec.id(), h.properties.get(propUniqueKey))
	if handle := b.recallHandleOf(rec); handle != "" {
		answer.Ext["recallHandle"] = handle
	}
	return answer
}

// region is a broker's default region (BrokerConfig.java#regionId).
const region = "DefaultRegion"

// sent is the answer to a stored message; clients read all of it.
func (r *request) sent(rec *record, queue int32, ids, transaction string) *codec.Command {
	return r.ok("msgId", ids, "queueId", itoa(int64(queue)), "queueOffset", itoa(rec.queueOffset),
		"transactionId", transaction, "MSG_REGION", region, "TRACE_ON", "true")
}

// admit finds or creates the topic of a send, settles its queue, and refuses what may not be sent
// (AbstractSendMessageProcessor.java#msgCheck).
func (b *Broker) admit(r *request, h *sendHeader) *codec.Command {
	if b.id != 0 {
		return r.refuse(codec.ResServiceNotAvailable, "service not available now. It may be caused by one of the "+
			"following reasons: the broker's disk is full, or messages are put to the slave, message store has been shut down, etc.")
	}
	switch h.topic {
	case scheduleTopic, halfTopic, timerTopic, "RMQ_SYS_TRANS_OP_HALF_TOPIC", "TRANS_CHECK_MAX_TIME_TOPIC":
		return r.refuse(codec.ResNoPermission, "Sending message to topic[%s] is forbidden.", h.topic)
	}
	t := b.set.topicForSend(h.topic, h.pattern, h.patternQueues)
	if t == nil {
		return r.refuse(codec.ResTopicNotExist,
			"topic[%s] not exist, apply first please! See https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.", h.topic)
	}
	if t.Perm&PermWrite == 0 {
		return r.refuse(codec.ResNoPermission, "the broker[%s] sending message is forbidden", b.Addr())
	}
	if int(h.queue) >= max(t.ReadQueues, t.WriteQueues) {
		return r.refuse(codec.ResSystemError, "request queueId[%d] is illegal, topic[%s] has %d read and %d write queues, producer: %s",
			h.queue, h.topic, t.ReadQueues, t.WriteQueues, r.conn.peer)
	}
	if h.queue < 0 {
		h.queue = rand.Int32N(int32(t.WriteQueues))
	}
	return nil
}

// newMessage is the message as it will be stored. Its property CLUSTER is what repliers find the reply topic by
// (SendMessageProcessor.java#sendMessage).
func (b *Broker) newMessage(r *request, h *sendHeader, body []byte, props properties) message {
	props = props.with(propCluster, b.cluster.Name())
	return message{
		topic: h.topic, queue: h.queue, flag: h.flag, sysFlag: h.sysFlag, bornAt: h.bornAt,
		bornHost: r.conn.peer, storeHost: b.host, reconsumed: h.reconsumed, body: body, properties: props,
	}
}

func (b *Broker) checkSize(r *request, m message) *codec.Command {
	if len(m.body) <= b.set.options.MaxMessageSize && len(m.properties) <= maxPropsLen && len(m.body) > 0 {
		return nil
	}
	return r.refuse(codec.ResMessageIllegal, "the message is illegal, maybe msg body or properties length not matched. "+
		"msg body length limit %dB, msg properties length limit 32KB.", b.set.options.MaxMessageSize)
}

// deadLetter sends a retry that has been tried often enough to the group's dead letters
// (SendMessageProcessor.java#handleRetryAndDLQ).
func (s *brokerSet) deadLetter(h *sendHeader, m *message) {
	name, isRetry := strings.CutPrefix(h.topic, retryPrefix)
	if !isRetry {
		return
	}
	most := h.maxReconsume
	if most < 0 {
		most = 16
		if g := s.group(name); g != nil {
			most = int64(g.RetryMaxTimes)
		}
	}
	if int64(h.reconsumed) > most {
		m.topic, m.queue = s.retryTopic(deadPrefix+name).Name, 0
		m.properties = m.properties.without(propDelayLevel)
	}
}

// accept stores a message, or puts it off if it is to come later. Its topic exists.
func (s *brokerSet) accept(m message) (*record, error) {
	due, queue, err := s.dueAt(m.properties)
	if err != nil {
		return nil, err
	}
	if queue != nil {
		return s.delay(m, *queue, due), nil
	}
	t := s.topics[m.topic]
	if t == nil || t.queue(m.queue) == nil {
		return nil, fmt.Errorf("topic %s has no queue %d", m.topic, m.queue)
	}
	return s.put(t, m), nil
}
