package embedded

import (
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// popHeader is the header of 200050.
type popHeader struct {
	group, topic string
	queue        int32 // -1: any
	count        int
	invisible    int64
	pollTime     int64
	bornTime     int64
	fromMax      bool // initMode: where a new group begins
	order        bool
	attempt      string
	filter       filter
}

func (r *request) popHeader() (*popHeader, error) {
	f := r.fields()
	h := &popHeader{
		group:     f.str("consumerGroup"),
		topic:     f.str("topic"),
		queue:     f.int32("queueId"),
		count:     int(f.int("maxMsgNums")),
		invisible: f.int("invisibleTime"),
		pollTime:  f.int("pollTime"),
		bornTime:  f.int("bornTime"),
		fromMax:   f.int("initMode") == 1,
		order:     r.Ext["order"] == "true",
		attempt:   r.Ext["attemptId"],
	}
	return h, f.err
}

// pop handles 200050 (PopMessageProcessor.java#processRequest).
func (b *Broker) pop(r *request) *codec.Command {
	h, err := r.popHeader()
	if err != nil {
		return r.illegal(err)
	}
	if h.bornTime == 0 { // it leaves that to the broker
		h.bornTime = b.set.now()
	}
	if refusal := b.admitPop(r, h); refusal != nil {
		return refusal
	}
	if h.filter, err = newFilter(r.Ext["exp"], r.Ext["expType"]); err != nil {
		return r.refuse(codec.ResSubscriptionParseFailed, "parse the consumer's subscription failed: %v", err)
	}
	p := b.take(h)
	if p.body != nil {
		return p.answer(r, h)
	}
	left := h.bornTime + h.pollTime - b.set.now()
	if h.pollTime <= 0 || left <= 0 {
		return p.nothing(r, h)
	}
	b.polls.hold(&longPoll{
		conn: r.conn, topics: []string{h.topic, popRetryTopic(h.group, h.topic)},
		retry: func(*record) bool {
			p := b.take(h)
			if p.body == nil {
				return false
			}
			r.answer(p.answer(r, h))
			return true
		},
		expire: func() { r.answer(b.newPopped(h).nothing(r, h)) },
	}, millis(left))
	return nil
}

// admitPop checks in the order of a real broker.
func (b *Broker) admitPop(r *request, h *popHeader) *codec.Command {
	if b.set.now() > h.bornTime+h.pollTime+500 {
		return r.refuse(codec.ResPollingTimeout, "the broker[%s] pop message is timeout too much", b.Name())
	}
	if h.count > maxPullCount {
		return r.refuse(codec.ResInvalidParameter, "the broker[%s] pop message's num is greater than %d", b.Name(), maxPullCount)
	}
	t := b.set.topics[h.topic]
	if t == nil {
		return r.refuse(codec.ResTopicNotExist, "topic[%s] not exist, apply first please!", h.topic)
	}
	if t.Perm&PermRead == 0 {
		return r.refuse(codec.ResNoPermission, "the topic[%s] peeking message is forbidden", h.topic)
	}
	if int(h.queue) >= t.ReadQueues {
		return r.refuse(codec.ResInvalidParameter, "queueId[%d] is illegal, topic:[%s] topicConfig.readQueueNums:[%d] consumer:[%s]",
			h.queue, h.topic, t.ReadQueues, r.conn.peer)
	}
	g := b.set.group(h.group)
	if g == nil {
		return r.refuse(codec.ResSubscriptionGroupNotExist, "subscription group [%s] does not exist", h.group)
	}
	if !g.ConsumeEnable {
		return r.refuse(codec.ResNoPermission, "subscription group no permission, %s", h.group)
	}
	return nil
}

// popped is the answer to a pop in the making.
type popped struct {
	set      *brokerSet
	now      int64
	revive   int
	body     []byte
	count    int
	rest     int64
	starts   []string
	offsets  []string
	consumed []string // orderCountInfo
}

func (b *Broker) newPopped(h *popHeader) *popped {
	b.set.pops.count++
	p := &popped{set: b.set, now: b.set.now(), revive: int(b.set.pops.count % reviveQueues)}
	if h.order {
		p.revive = orderlyRevive
	}
	return p
}

// take pops from the queues in turn; the group's retry topic comes last but for each fifth time, when it is first.
func (b *Broker) take(h *popHeader) *popped {
	p := b.newPopped(h)
	retry := b.set.topics[popRetryTopic(h.group, h.topic)]
	retryFirst := b.set.pops.count%5 == 0
	if retry != nil && retryFirst && !h.order {
		p.fromTopic(retry, -1, h)
	}
	p.fromTopic(b.set.topics[h.topic], h.queue, h)
	if retry != nil && (!retryFirst || h.order) {
		p.fromTopic(retry, -1, h)
	}
	return p
}

func (p *popped) fromTopic(t *topic, queue int32, h *popHeader) {
	if queue >= 0 {
		p.fromQueue(t, queue, h)
		return
	}
	for i := range t.ReadQueues {
		p.fromQueue(t, int32((int64(i)+p.set.pops.count)%int64(t.ReadQueues)), h)
	}
}

func (p *popped) fromQueue(t *topic, id int32, h *popHeader) {
	q, k := t.queues[id], offsetKey{h.group, t.Name, id}
	if h.order {
		p.inOrder(q, k, h)
		return
	}
	if p.count < h.count {
		c := &checkpoint{key: k, popTime: p.now, invisible: h.invisible, revive: p.revive}
		at := max(p.set.popFrom(k, q, h), q.first)
		c.start = at
		at = p.collect(q, at, c, h)
		p.set.pops.next[k] = at
		if len(c.offsets) > 0 {
			p.set.remember(c)
		}
		p.set.commitPopped(k)
	}
	p.rest += q.end() - p.set.popFrom(k, q, h)
}

// popFrom is where a group goes on in a queue. A new one begins at the end only if it says so and the queue has lost
// messages already (PopMessageProcessor.java#getInitOffset).
func (s *brokerSet) popFrom(k offsetKey, q *queue, h *popHeader) int64 {
	if to, ok := s.resets[k]; ok {
		delete(s.resets, k)
		s.pops.next[k] = to
	}
	if at, ok := s.pops.next[k]; ok {
		return at
	}
	at, ok := s.offsets[k]
	if !ok && h.fromMax && q.first > 0 && !strings.HasPrefix(k.topic, retryPrefix) {
		at = q.end() - 1
	}
	s.pops.next[k] = at
	return at
}

// collect adds messages from an offset on to the answer and to c, and returns where to go on.
func (p *popped) collect(q *queue, at int64, c *checkpoint, h *popHeader) int64 {
	for ; at < q.end() && p.count < h.count; at++ {
		rec := q.at(at)
		if !h.filter.match(rec.properties) {
			continue
		}
		if p.count > 0 && len(p.body)+len(rec.frame) > maxPullBytes {
			break
		}
		c.offsets = append(c.offsets, at)
		p.add(rec, c, h)
	}
	c.done = make([]bool, len(c.offsets))
	if len(c.offsets) > 0 {
		flag := retryFlag(c.key.topic) + " " + itoa(int64(c.key.queue)) + " "
		list := make([]string, len(c.offsets))
		for i, offset := range c.offsets {
			list[i] = itoa(offset)
		}
		p.starts = append(p.starts, flag+itoa(c.start))
		p.offsets = append(p.offsets, flag+strings.Join(list, ","))
	}
	return at
}

// add puts a message in the body. One from a retry topic gets its first topic back, and carries its handle because the
// client can no longer make it (PopMessageProcessor.java#popMsgFromQueue).
func (p *popped) add(rec *record, c *checkpoint, h *popHeader) {
	p.count++
	if rec.topic == h.topic {
		p.body = append(p.body, rec.frame...)
		return
	}
	m := rec.message
	m.topic = h.topic
	m.properties = m.properties.with(propPopHandle, c.handle(p.set.name, rec.queueOffset))
	p.body = m.appendStored(p.body, rec.offset, rec.queueOffset)
}

func (p *popped) answer(r *request, h *popHeader) *codec.Command {
	ok := r.ok("popTime", itoa(p.now), "invisibleTime", itoa(h.invisible), "reviveQid", itoa(int64(p.revive)),
		"restNum", itoa(p.rest), "startOffsetInfo", strings.Join(p.starts, ";"), "msgOffsetInfo", strings.Join(p.offsets, ";"))
	if h.order {
		ok.Ext["orderCountInfo"] = strings.Join(p.consumed, ";")
	}
	ok.Body = p.body
	return ok
}

func (p *popped) nothing(r *request, h *popHeader) *codec.Command {
	answer := p.answer(r, h)
	answer.Code, answer.Remark = codec.ResPollingTimeout, "no message"
	if h.pollTime <= 0 {
		answer.Code = codec.ResPullNotFound
	}
	return answer
}
