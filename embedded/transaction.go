package embedded

import (
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// maxChecks is how often a producer is asked about a transaction before it is given up
// (BrokerConfig.java#transactionCheckMax).
const maxChecks = 15

// half is a transaction that has not ended.
type half struct {
	record *record
	checks int
}

// putHalf stores a half message in a topic without consumers and schedules its first check.
func (s *brokerSet) putHalf(m message) *record {
	m.properties = m.properties.with(propRealTopic, m.topic).with(propRealQueue, itoa(int64(m.queue)))
	m.queue = 0
	m.sysFlag &^= flagRollback // both bits: it is stored as an ordinary message (TransactionalMessageBridge.java#parseHalfMessageInner)
	rec := s.put(s.topics[halfTopic], m)
	s.halves[rec.offset] = &half{record: rec}
	wait := s.options.TransactionTimeout.Milliseconds()
	if sec, err := strconv.ParseInt(m.properties.get(propImmunity), 10, 32); err == nil && sec >= 0 {
		wait = sec * 1000
	}
	s.scheduler.at(s.now()+wait, func() { s.check(rec.offset) })
	return rec
}

// check asks a producer of the group what became of a transaction (39), again and again until it has ended.
func (s *brokerSet) check(offset int64) {
	h := s.halves[offset]
	if h == nil {
		return
	}
	if s.store.find(offset) == nil || h.checks == maxChecks {
		delete(s.halves, offset)
		return
	}
	if who := s.master().members.anyProducer(h.record.properties.get(propProducerGroup), h.checks); who != nil {
		h.checks++
		s.askProducer(who, h)
	}
	s.scheduler.at(s.now()+s.options.TransactionCheckInterval.Milliseconds(), func() { s.check(offset) })
}

func (s *brokerSet) askProducer(who *member, h *half) {
	rec := h.record
	m := rec.message
	m.topic = m.properties.get(propRealTopic)
	m.queue = realQueue(m.properties)
	m.properties = m.properties.with(propCheckTimes, strconv.Itoa(h.checks))
	id := m.properties.get(propUniqueKey)
	who.conn.tell(codec.ReqCheckTransactionState, map[string]string{
		"topic": m.topic, "bname": s.name, "brokerName": s.name,
		"tranStateTableOffset": itoa(rec.queueOffset), "commitLogOffset": itoa(rec.offset),
		"msgId": id, "transactionId": id, "offsetMsgId": rec.id(),
	}, m.appendStored(nil, rec.offset, rec.queueOffset))
}

// anyProducer takes the members of a producer group in turn.
func (m *membership) anyProducer(group string, turn int) *member {
	all := sortedMembers(m.producers[group])
	if len(all) == 0 {
		return nil
	}
	return all[turn%len(all)]
}

// endTransaction handles 37. "Unknown" gets no answer from any broker (EndTransactionProcessor.java).
func (b *Broker) endTransaction(r *request) *codec.Command {
	f := r.fields()
	group, outcome := f.str("producerGroup"), f.int32("commitOrRollback")
	place, offset := f.int("tranStateTableOffset"), f.int("commitLogOffset")
	if f.err != nil {
		return r.illegal(f.err)
	}
	if outcome != flagCommit && outcome != flagRollback {
		return nil
	}
	h := b.set.halves[offset]
	if h == nil || b.set.store.find(offset) == nil {
		return r.refuse(codec.ResSystemError, "Find prepared transaction message failed")
	}
	if h.record.properties.get(propProducerGroup) != group {
		return r.refuse(codec.ResSystemError, "The producer group wrong")
	}
	if h.record.queueOffset != place {
		return r.refuse(codec.ResSystemError, "The transaction state table offset wrong")
	}
	delete(b.set.halves, offset)
	if outcome == flagCommit {
		if err := b.set.commitHalf(h); err != nil {
			return r.refuse(codec.ResSystemError, "%v", err)
		}
	}
	return r.ok()
}

// commitHalf stores a half message in its own topic, where consumers see it.
func (s *brokerSet) commitHalf(h *half) error {
	m := h.record.message
	m.topic, m.queue = m.properties.get(propRealTopic), realQueue(m.properties)
	m.properties = m.properties.without(propTransaction, propRealTopic, propRealQueue)
	m.sysFlag |= flagCommit
	m.prepared = h.record.offset
	_, err := s.accept(m)
	return err
}

func realQueue(p properties) int32 {
	n, _ := strconv.ParseInt(p.get(propRealQueue), 10, 32)
	return int32(n)
}
