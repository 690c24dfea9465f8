package embedded

import "sort"

// recordOverhead is about what a record costs beside its bytes.
const recordOverhead = 320

// store is the commit log: all messages of a brokerSet in the order in which they came.
type store struct {
	limit int64 // bytes
	used  int64
	next  int64     // offset of the next message
	log   []*record // oldest first
}

// record is a stored message. It never changes.
type record struct {
	message
	frame       []byte // as it stands in the bodies of answers
	offset      int64  // in the commit log
	queueOffset int64
	owner       *queue
}

// queue is the messages of one queue that are still there.
type queue struct {
	first   int64 // offset of records[0]
	records []*record
	lastAt  int64 // store time of the newest message ever, in milliseconds
}

// end is the offset that the next message will get.
func (q *queue) end() int64 { return q.first + int64(len(q.records)) }

func (q *queue) at(offset int64) *record {
	if offset < q.first || offset >= q.end() {
		return nil
	}
	return q.records[offset-q.first]
}

// put appends a message to its queue and drops the oldest messages of all queues when there are too many bytes.
func (s *store) put(t *topic, m message) *record {
	q := t.queues[m.queue]
	rec := &record{message: m, offset: s.next, queueOffset: q.end(), owner: q}
	rec.topic = t.Name
	rec.encode()
	q.records = append(q.records, rec)
	q.lastAt = rec.storedAt
	s.log = append(s.log, rec)
	s.next += int64(len(rec.frame))
	s.used += rec.cost()
	for s.used > s.limit && len(s.log) > 1 {
		s.dropOldest()
	}
	return rec
}

func (r *record) cost() int64 { return int64(len(r.frame)+len(r.properties)) + recordOverhead }

// dropOldest relies on a queue's order being that of the log.
func (s *store) dropOldest() {
	rec := s.log[0]
	s.log[0] = nil
	s.log = s.log[1:]
	s.used -= rec.cost()
	q := rec.owner
	if len(q.records) > 0 && q.records[0] == rec { // else its topic has been deleted and created again
		q.records[0] = nil
		q.records = q.records[1:]
		q.first++
	}
}

// find looks up the message that begins at an offset of the commit log; nil when it is gone or never was.
func (s *store) find(offset int64) *record {
	i := sort.Search(len(s.log), func(i int) bool { return s.log[i].offset >= offset })
	if i < len(s.log) && s.log[i].offset == offset {
		return s.log[i]
	}
	return nil
}
