package embedded

import "github.com/rocketmq-proxy/rocketmq-proxy/codec"

// remember keeps a checkpoint until all its messages are acked, or delivers them again when its time is over.
func (s *brokerSet) remember(c *checkpoint) {
	if s.pops.out[c.key] == nil {
		s.pops.out[c.key] = newOutstanding()
	}
	s.pops.out[c.key].add(c)
	s.scheduler.at(c.popTime+c.invisible, func() { s.revive(c) })
}

// revive puts what was not acked into the group's retry topic (PopReviveService.java#reviveRetry).
func (s *brokerSet) revive(c *checkpoint) {
	t := s.topics[c.key.topic]
	for i, offset := range c.offsets {
		if c.done[i] {
			continue
		}
		s.pops.out[c.key].end(c, i)
		if t == nil || t.queue(c.key.queue) == nil {
			continue
		}
		if rec := t.queues[c.key.queue].at(offset); rec != nil {
			s.putRetry(rec, c)
		}
	}
	s.commitPopped(c.key)
}

func (s *brokerSet) putRetry(rec *record, c *checkpoint) {
	name := c.key.topic
	if retryFlag(name) == "0" {
		name = popRetryTopic(c.key.group, name)
	}
	m := rec.message
	m.queue = 0
	m.reconsumed++
	if m.properties.get(propFirstPop) == "" {
		m.properties = m.properties.with(propFirstPop, itoa(c.popTime))
	}
	s.put(s.retryTopic(name), m)
}

// changeInvisible handles 200053: the message goes to a checkpoint of its own with a new time, and its old handle is
// dead (ChangeInvisibleTimeProcessor.java).
func (b *Broker) changeInvisible(r *request) *codec.Command {
	h, refusal := b.ackHeader(r)
	if refusal != nil {
		return refusal
	}
	f := r.fields()
	invisible := f.int("invisibleTime")
	if f.err != nil {
		return r.illegal(f.err)
	}
	now := b.set.now()
	revive := h.handle.revive
	if revive == orderlyRevive {
		b.postponeInOrder(h.key, h.handle, h.offset, now+invisible)
	} else {
		b.set.ackPopped(h.key, h.handle, h.offset)
		b.set.remember(&checkpoint{
			key: h.key, start: h.offset, offsets: []int64{h.offset}, done: []bool{false},
			popTime: now, invisible: invisible, revive: revive,
		})
		b.set.commitPopped(h.key)
	}
	return r.ok("popTime", itoa(now), "invisibleTime", itoa(invisible), "reviveQid", itoa(int64(revive)))
}
