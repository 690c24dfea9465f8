package embedded

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Bits of a pull's sysFlag (PullSysFlag.java).
const (
	pullCommits   = 1
	pullSuspends  = 2
	pullSubscribe = 4
)

// Limits of an answer from memory (MessageStoreConfig.java#maxTransferCountOnMessageInMemory, …BytesOn…).
const (
	maxPullCount = 32
	maxPullBytes = 256 << 10
)

// pullHeader is the header of 11 and 361.
type pullHeader struct {
	group, topic    string
	queue           int32
	offset          int64
	count, bytes    int
	sysFlag         int64
	commitOffset    int64
	suspend         time.Duration
	expression      string
	expressionType  string
	subVersion      int64
	source          *queue
	filter          filter
	suggestedBroker int64
}

func (r *request) pullHeader() (*pullHeader, error) {
	f := r.fields()
	h := &pullHeader{
		group:          f.str("consumerGroup"),
		topic:          f.str("topic"),
		queue:          f.int32("queueId"),
		offset:         f.int("queueOffset"),
		count:          int(f.int("maxMsgNums")),
		bytes:          int(f.intOr("maxMsgBytes", maxPullBytes)),
		sysFlag:        f.int("sysFlag"),
		commitOffset:   f.intOr("commitOffset", 0),
		suspend:        millis(f.intOr("suspendTimeoutMillis", 0)),
		expression:     r.Ext["subscription"],
		expressionType: r.Ext["expressionType"],
		subVersion:     f.intOr("subVersion", 0),
	}
	h.count = min(max(h.count, 1), maxPullCount)
	if h.bytes <= 0 || h.bytes > maxPullBytes {
		h.bytes = maxPullBytes
	}
	return h, f.err
}

// pull handles 11 and 361 (PullMessageProcessor.java).
func (b *Broker) pull(r *request) *codec.Command {
	h, err := r.pullHeader()
	if err != nil {
		return r.illegal(err)
	}
	if refusal := b.admitPull(r, h); refusal != nil {
		return refusal
	}
	if refusal := b.subscribed(r, h); refusal != nil {
		return refusal
	}
	if h.sysFlag&pullCommits != 0 && b.id == 0 {
		b.set.commit(offsetKey{h.group, h.topic, h.queue}, h.commitOffset)
	}
	answer := b.lookUp(r, h)
	if answer.Code != codec.ResPullNotFound || h.sysFlag&pullSuspends == 0 || h.suspend <= 0 {
		return answer
	}
	b.suspendPull(r, h)
	return nil
}

func (b *Broker) suspendPull(r *request, h *pullHeader) {
	b.polls.hold(&longPoll{
		conn: r.conn, topics: []string{h.topic},
		retry: func(rec *record) bool {
			if rec != nil && (rec.queue != h.queue || !h.filter.match(rec.properties)) {
				return false
			}
			answer := b.lookUp(r, h)
			if answer.Code == codec.ResPullNotFound {
				return false
			}
			r.answer(answer)
			return true
		},
		expire: func() { r.answer(b.lookUp(r, h)) },
	}, h.suspend)
}

// admitPull refuses pulls of what is not there or may not be read.
func (b *Broker) admitPull(r *request, h *pullHeader) *codec.Command {
	g := b.set.group(h.group)
	if g == nil {
		return r.refuse(codec.ResSubscriptionGroupNotExist, "subscription group [%s] does not exist", h.group)
	}
	if !g.ConsumeEnable {
		return r.refuse(codec.ResNoPermission, "subscription group no permission, %s", h.group)
	}
	t := b.set.topics[h.topic]
	if t == nil {
		return r.refuse(codec.ResTopicNotExist, "topic[%s] not exist, apply first please!", h.topic)
	}
	if t.Perm&PermRead == 0 {
		return r.refuse(codec.ResNoPermission, "the topic[%s] pulling message is forbidden", h.topic)
	}
	if h.queue < 0 || int(h.queue) >= t.ReadQueues {
		return r.refuse(codec.ResSystemError, "queueId[%d] is illegal, topic:[%s] topicConfig.readQueueNums:[%d] consumer:[%s]",
			h.queue, h.topic, t.ReadQueues, r.conn.peer)
	}
	h.source = t.queue(h.queue)
	return nil
}

// subscribed finds the consumer's filter for the topic: in the request, or in what its group has registered.
func (b *Broker) subscribed(r *request, h *pullHeader) *codec.Command {
	var err error
	if h.sysFlag&pullSubscribe != 0 {
		if h.filter, err = newFilter(h.expression, h.expressionType); err != nil {
			return r.refuse(codec.ResSubscriptionParseFailed, "parse the consumer's subscription failed: %v", err)
		}
		return nil
	}
	g := b.members.consumers[h.group]
	if g == nil {
		return r.refuse(codec.ResSubscriptionNotExist, "the consumer's group info not exist")
	}
	sub := g.subscriptions[h.topic]
	if sub == nil {
		return r.refuse(codec.ResSubscriptionNotExist, "the consumer's subscription not exist")
	}
	if sub.SubVersion < h.subVersion {
		return r.refuse(codec.ResSubscriptionNotLatest, "the consumer's subscription not latest")
	}
	if h.filter, err = newFilter(sub.SubString, sub.ExpressionType); err != nil {
		return r.refuse(codec.ResSubscriptionParseFailed, "parse the consumer's subscription failed: %v", err)
	}
	return nil
}

// lookUp answers a pull from what is there now (DefaultMessageStore.java#getMessage and the codes that
// PullMessageProcessor.java#composeResponseHeader makes of its outcomes).
func (b *Broker) lookUp(r *request, h *pullHeader) *codec.Command {
	q, code, next := h.source, codec.ResSuccess, h.offset
	var body []byte
	key := offsetKey{h.group, h.topic, h.queue}
	if to, ok := b.set.resets[key]; ok && b.id == 0 {
		delete(b.set.resets, key)
		code, next = codec.ResPullOffsetMoved, to
	} else if q.end() == 0 {
		code, next = codec.ResPullNotFound, 0
		if h.offset != 0 {
			code = codec.ResPullOffsetMoved
		}
	} else if h.offset < q.first {
		code, next = codec.ResPullOffsetMoved, q.first
	} else if h.offset > q.end() {
		code, next = codec.ResPullOffsetMoved, q.end()
	} else if h.offset == q.end() {
		code = codec.ResPullNotFound
	} else if body, next = q.read(h); body == nil {
		code = codec.ResPullRetryImmediately
	}
	answer := r.ok("nextBeginOffset", itoa(next), "minOffset", itoa(q.first), "maxOffset", itoa(q.end()),
		"suggestWhichBrokerId", itoa(h.suggestedBroker))
	answer.Code, answer.Body = code, body
	if code != codec.ResSuccess {
		answer.Remark = codec.ResponseCodeName(code)
	}
	return answer
}

// read collects the messages from an offset on that the filter lets through; next is where to go on.
func (q *queue) read(h *pullHeader) (body []byte, next int64) {
	n := 0
	for next = h.offset; next < q.end() && n < h.count; next++ {
		rec := q.at(next)
		if !h.filter.match(rec.properties) {
			continue
		}
		if n > 0 && len(body)+len(rec.frame) > h.bytes {
			break
		}
		body = append(body, rec.frame...)
		n++
	}
	return body, next
}
