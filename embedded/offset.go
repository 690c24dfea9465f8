package embedded

import (
	"sort"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// offsetKey names a group's place in a queue.
type offsetKey struct {
	group, topic string
	queue        int32
}

func (s *brokerSet) commit(k offsetKey, offset int64) {
	s.offsets[k] = offset
	for _, b := range s.brokers {
		b.seen.changed()
	}
}

// queryOffset handles 14. With nothing stored it answers 0 for a queue that begins at 0 and has messages, all in
// memory: so a new group starts at the beginning of a young topic (ConsumerManageProcessor.java#queryConsumerOffset).
func (b *Broker) queryOffset(r *request) *codec.Command {
	f := r.fields()
	k := offsetKey{f.str("consumerGroup"), f.str("topic"), f.int32("queueId")}
	if f.err != nil {
		return r.illegal(f.err)
	}
	if offset, ok := b.set.offsets[k]; ok {
		return r.ok("offset", itoa(offset))
	}
	q := b.set.queueOf(k.topic, k.queue)
	if r.Ext["setZeroIfNotFound"] != "false" && q.first == 0 && q.end() > 0 {
		return r.ok("offset", "0")
	}
	return r.refuse(codec.ResQueryNotFound, "Not found, maybe this group consumer boot first")
}

// queueOf finds a queue; an empty one stands for those that do not exist, as in real brokers.
func (s *brokerSet) queueOf(topic string, id int32) *queue {
	if t := s.topics[topic]; t != nil && t.queue(id) != nil {
		return t.queue(id)
	}
	return new(queue)
}

// updateOffset handles 15.
func (b *Broker) updateOffset(r *request) *codec.Command {
	f := r.fields()
	k, offset := offsetKey{f.str("consumerGroup"), f.str("topic"), f.int32("queueId")}, f.int("commitOffset")
	if f.err != nil {
		return r.illegal(f.err)
	}
	if b.set.topics[k.topic] == nil {
		return r.refuse(codec.ResTopicNotExist, "Not exist topic: %s", k.topic)
	}
	if _, reset := b.set.resets[k]; reset {
		ok := r.ok()
		ok.Remark = "Offset has been previously reset"
		return ok
	}
	b.set.commit(k, offset)
	return r.ok()
}

// queueNamed reads topic and queue from a request of the kinds below.
func (b *Broker) queueNamed(r *request) (*queue, error) {
	f := r.fields()
	topic, id := f.str("topic"), f.int32("queueId")
	return b.set.queueOf(topic, id), f.err
}

// maxOffset handles 30.
func (b *Broker) maxOffset(r *request) *codec.Command {
	q, err := b.queueNamed(r)
	if err != nil {
		return r.illegal(err)
	}
	return r.ok("offset", itoa(q.end()))
}

// minOffset handles 31.
func (b *Broker) minOffset(r *request) *codec.Command {
	q, err := b.queueNamed(r)
	if err != nil {
		return r.illegal(err)
	}
	return r.ok("offset", itoa(q.first))
}

// earliestStoreTime handles 32; -1 stands for none.
func (b *Broker) earliestStoreTime(r *request) *codec.Command {
	q, err := b.queueNamed(r)
	if err != nil {
		return r.illegal(err)
	}
	if rec := q.at(q.first); rec != nil {
		return r.ok("timestamp", itoa(rec.storedAt))
	}
	return r.ok("timestamp", "-1")
}

// searchOffset handles 29.
func (b *Broker) searchOffset(r *request) *codec.Command {
	q, err := b.queueNamed(r)
	f := r.fields()
	at := f.int("timestamp")
	if err == nil {
		err = f.err
	}
	if err != nil {
		return r.illegal(err)
	}
	if r.Ext["boundaryType"] == "UPPER" {
		return r.ok("offset", itoa(max(q.first, q.since(at+1)-1)))
	}
	return r.ok("offset", itoa(q.since(at)))
}

// since is the offset of the first message stored at that time or later.
func (q *queue) since(ms int64) int64 {
	i := sort.Search(len(q.records), func(i int) bool { return q.records[i].storedAt >= ms })
	return q.first + int64(i)
}
