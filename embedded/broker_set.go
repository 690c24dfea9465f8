package embedded

import (
	"slices"
	"sync"
)

// brokerSet is what the brokers of one name share: a master and its slaves see the same messages, topics, groups and
// offsets at once. Its lock guards the brokers' own state too; handlers run under it.
type brokerSet struct {
	cluster *Cluster
	options *Options
	clock   Clock
	name    string

	mu        sync.Mutex
	brokers   []*Broker // that run
	store     store
	topics    map[string]*topic
	groups    map[string]*GroupConfig
	offsets   map[offsetKey]int64
	resets    map[offsetKey]int64 // the next pull is redirected to these offsets
	scheduler scheduler
	pops      popState
	modes     map[modeKey]requestMode
	configs   map[string]string // what 25 has set
	timers    map[timerKey]*timer
	halves    map[int64]*half // open transactions, by commit log offset
}

func newBrokerSet(cl *Cluster, name string) *brokerSet {
	s := &brokerSet{
		cluster: cl, options: &cl.options, clock: cl.options.Clock, name: name,
		topics: make(map[string]*topic), groups: make(map[string]*GroupConfig),
		offsets: make(map[offsetKey]int64), resets: make(map[offsetKey]int64),
		pops: newPopState(), modes: make(map[modeKey]requestMode), configs: make(map[string]string), timers: make(map[timerKey]*timer),
		halves: make(map[int64]*half),
	}
	s.store.limit = cl.options.MaxMemory
	s.scheduler.set = s
	s.createSystemTopics()
	return s
}

func (s *brokerSet) join(b *Broker) {
	s.brokers = append(s.brokers, b)
	s.scheduler.arm()
}

func (s *brokerSet) leave(b *Broker) {
	s.brokers = slices.DeleteFunc(s.brokers, func(x *Broker) bool { return x == b })
	s.scheduler.arm()
}

// master is the running broker with id 0, or nil.
func (s *brokerSet) master() *Broker {
	for _, b := range s.brokers {
		if b.id == 0 {
			return b
		}
	}
	return nil
}

// now is the time in milliseconds, as the protocol has it.
func (s *brokerSet) now() int64 { return s.clock.Now().UnixMilli() }

// put stores a message and retries the long polls for its topic.
func (s *brokerSet) put(t *topic, m message) *record {
	m.storedAt = s.now()
	rec := s.store.put(t, m)
	for _, b := range s.brokers {
		b.polls.retry(rec.topic, rec)
	}
	for _, b := range s.brokers {
		b.seen.changed()
	}
	return rec
}
