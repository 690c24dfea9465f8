package embedded

import "github.com/rocketmq-proxy/rocketmq-proxy/codec"

// notification handles 200054: an answer when there is something to pop (NotificationProcessor.java).
func (b *Broker) notification(r *request) *codec.Command {
	f := r.fields()
	h := &popHeader{
		group: f.str("consumerGroup"), topic: f.str("topic"), queue: f.int32("queueId"),
		pollTime: f.int("pollTime"), bornTime: f.int("bornTime"), order: r.Ext["order"] == "true", attempt: r.Ext["attemptId"],
	}
	if f.err != nil {
		return r.illegal(f.err)
	}
	if refusal := b.admitPop(r, h); refusal != nil {
		return refusal
	}
	tell := func(has bool) *codec.Command { return r.ok("hasMsg", truth(has), "pollingFull", "false") }
	left := h.bornTime + h.pollTime - b.set.now()
	if b.hasPoppable(h) || left <= 0 {
		return tell(b.hasPoppable(h))
	}
	b.polls.hold(&longPoll{
		conn: r.conn, topics: []string{h.topic, popRetryTopic(h.group, h.topic)},
		retry: func(*record) bool {
			if !b.hasPoppable(h) {
				return false
			}
			r.answer(tell(true))
			return true
		},
		expire: func() { r.answer(tell(false)) },
	}, millis(left))
	return nil
}

// hasPoppable reports whether a pop would find a message, tags aside.
func (b *Broker) hasPoppable(h *popHeader) bool {
	has := func(t *topic, id int32) bool {
		k := offsetKey{h.group, t.Name, id}
		if o := b.set.pops.orders[k]; h.order && o != nil && o.blocked(b.set.now(), h.attempt) {
			return false
		}
		return b.set.popFrom(k, t.queues[id], h) < t.queues[id].end()
	}
	for _, t := range []*topic{b.set.topics[h.topic], b.set.topics[popRetryTopic(h.group, h.topic)]} {
		if t == nil {
			continue
		}
		for id := range int32(t.ReadQueues) {
			wanted := h.queue < 0 || h.queue == id || t.Name != h.topic
			if wanted && has(t, id) {
				return true
			}
		}
	}
	return false
}

// pollingInfo handles 200055: how many requests are held for a topic's messages.
func (b *Broker) pollingInfo(r *request) *codec.Command {
	return r.ok("pollingNum", itoa(int64(b.polls.held(r.Ext["topic"]))))
}

// peek handles 200052: it reads what the next pop would get and takes nothing.
func (b *Broker) peek(r *request) *codec.Command {
	f := r.fields()
	h := &popHeader{
		group: f.str("consumerGroup"), topic: f.str("topic"), queue: f.int32("queueId"), count: int(f.int("maxMsgNums")),
		bornTime: b.set.now(),
	}
	if f.err != nil {
		return r.illegal(f.err)
	}
	if refusal := b.admitPop(r, h); refusal != nil {
		return refusal
	}
	p := b.newPopped(h)
	t := b.set.topics[h.topic]
	for id := range int32(t.ReadQueues) {
		if h.queue >= 0 && h.queue != id {
			continue
		}
		q, k := t.queues[id], offsetKey{h.group, h.topic, id}
		p.collect(q, max(b.set.popFrom(k, q, h), q.first), &checkpoint{key: k}, h)
	}
	if p.body == nil {
		return p.nothing(r, h)
	}
	return p.answer(r, h)
}
