package embedded

import (
	"slices"
)

// orderly is what an ordered group has out of one queue: a run of messages, given out again from the first that is not
// acked when their time is over (ConsumerOrderInfoManager.java#OrderInfo).
type orderly struct {
	offsets   []int64
	done      []bool
	visibleAt []int64
	popTime   int64
	attempt   string
	consumed  map[int64]int // how often each offset has gone out before
}

// blocked reports whether the queue has to wait for an ack or for its time.
func (o *orderly) blocked(now int64, attempt string) bool {
	if attempt != "" && attempt == o.attempt {
		return false // the client has lost the answer and asks for it again
	}
	for i := range o.offsets {
		if !o.done[i] && o.visibleAt[i] > now {
			return true
		}
	}
	return false
}

// inOrder pops from a queue for an ordered group.
func (p *popped) inOrder(q *queue, k offsetKey, h *popHeader) {
	o := p.set.pops.orders[k]
	at := max(p.set.popFrom(k, q, h), q.first)
	if o != nil {
		if i := slices.Index(o.done, false); i >= 0 {
			if o.blocked(p.now, h.attempt) {
				p.rest += q.end() - at
				return
			}
			at = max(o.offsets[i], q.first)
		}
	}
	if p.count >= h.count {
		p.rest += q.end() - at
		return
	}
	c := &checkpoint{key: k, start: at, popTime: p.now, invisible: h.invisible, revive: orderlyRevive}
	next := p.collect(q, at, c, h)
	p.set.pops.next[k] = next
	if len(c.offsets) > 0 {
		p.giveOutInOrder(c, o, h)
	}
	p.rest += q.end() - next
}

func (p *popped) giveOutInOrder(c *checkpoint, before *orderly, h *popHeader) {
	o := &orderly{offsets: c.offsets, done: c.done, popTime: c.popTime, attempt: h.attempt, consumed: make(map[int64]int)}
	flag := retryFlag(c.key.topic) + " "
	for _, offset := range c.offsets {
		o.visibleAt = append(o.visibleAt, c.popTime+c.invisible)
		if before == nil {
			continue
		}
		if _, again := slices.BinarySearch(before.offsets, offset); again {
			o.consumed[offset] = before.consumed[offset] + 1
			p.consumed = append(p.consumed, flag+"qo"+itoa(int64(c.key.queue))+"%"+itoa(offset)+" "+itoa(int64(o.consumed[offset])))
		}
	}
	p.set.pops.orders[c.key] = o
	p.set.retryPollsAt(c.key, c.popTime+c.invisible)
}

// retryPollsAt retries the pops that are held at a time when ordered messages become visible.
func (s *brokerSet) retryPollsAt(k offsetKey, at int64) {
	s.scheduler.at(at, func() { s.retryPolls(k.topic) })
}

// retryPolls retries the requests that are held for a topic.
func (s *brokerSet) retryPolls(topic string) {
	for _, b := range s.brokers {
		b.polls.retry(topic, nil)
	}
}

// settleInOrder acks one message of an orderly pop, if it is out under that handle. Others of the batch may be open.
func (b *Broker) settleInOrder(k offsetKey, h handle, offset int64) {
	o := b.set.pops.orders[k]
	if o == nil || o.popTime != h.popTime {
		return
	}
	i, found := slices.BinarySearch(o.offsets, offset)
	if !found || o.done[i] {
		return
	}
	o.done[i] = true
	if first := slices.Index(o.done, false); first >= 0 {
		b.set.commit(k, o.offsets[first])
	} else {
		b.set.commit(k, b.set.pops.next[k])
	}
	b.set.retryPolls(k.topic)
}

func (b *Broker) postponeInOrder(k offsetKey, h handle, offset, until int64) {
	o := b.set.pops.orders[k]
	if o == nil || o.popTime != h.popTime {
		return
	}
	if i, found := slices.BinarySearch(o.offsets, offset); found {
		o.visibleAt[i] = until
		b.set.retryPollsAt(k, until)
		b.set.retryPolls(k.topic)
	}
}
