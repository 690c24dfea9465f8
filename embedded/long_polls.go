package embedded

import (
	"slices"
	"time"
)

// longPolls are the pulls and pops of one broker that found nothing and are held until a message arrives or their
// time is up. Guarded by the set's lock.
type longPolls struct {
	broker  *Broker
	byTopic map[string][]*longPoll
}

// longPoll is one held request.
type longPoll struct {
	conn   *connection
	topics []string
	// retry looks again after a message has arrived in one of the topics, or after another change (nil), and reports
	// whether it has answered the request.
	retry  func(arrived *record) bool
	expire func() // answers that there was nothing
	stop   func() bool
}

// hold holds a request for at most d.
func (l *longPolls) hold(p *longPoll, d time.Duration) {
	if l.byTopic == nil {
		l.byTopic = make(map[string][]*longPoll)
	}
	for _, t := range p.topics {
		l.byTopic[t] = append(l.byTopic[t], p)
	}
	p.stop = l.broker.clock.AfterFunc(d, func() {
		l.broker.locked(func() {
			if l.remove(p) {
				p.expire()
			}
		})
	})
}

// remove reports whether the request was still held.
func (l *longPolls) remove(p *longPoll) bool {
	found := false
	for _, t := range p.topics {
		if i := slices.Index(l.byTopic[t], p); i >= 0 {
			l.byTopic[t] = slices.Delete(l.byTopic[t], i, i+1)
			found = true
		}
		if len(l.byTopic[t]) == 0 {
			delete(l.byTopic, t)
		}
	}
	p.stop()
	return found
}

// retry gives the requests for a topic another try. arrived is the new message, nil after another change.
func (l *longPolls) retry(topic string, arrived *record) {
	for _, p := range slices.Clone(l.byTopic[topic]) {
		if p.retry(arrived) {
			l.remove(p)
		}
	}
}

// removeConnection forgets the requests of a connection that has ended.
func (l *longPolls) removeConnection(c *connection) {
	for _, p := range l.all() {
		if p.conn == c {
			l.remove(p)
		}
	}
}

// clear forgets all requests.
func (l *longPolls) clear() {
	for _, p := range l.all() {
		l.remove(p)
	}
}

func (l *longPolls) all() []*longPoll {
	var all []*longPoll
	for _, list := range l.byTopic {
		all = append(all, list...)
	}
	return all
}

func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
