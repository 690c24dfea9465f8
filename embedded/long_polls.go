package embedded

import (
	"maps"
	"slices"
	"time"
)

// longPolls are the pulls and pops of one broker that found nothing and are held until a message arrives or their
// time is up. Guarded by the set's lock.
type longPolls struct {
	broker  *Broker
	byTopic map[string]*pollList
	byConn  map[*connection]map[*longPoll]struct{}
}

// pollList is the requests that are held for one topic, oldest first. Requests that have ended stay in it until they
// are as many as the others, so that to end one takes no search.
type pollList struct {
	polls []*longPoll
	ended int
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
	ended  bool
}

// hold holds a request for at most d.
func (l *longPolls) hold(p *longPoll, d time.Duration) {
	if l.byTopic == nil {
		l.byTopic = make(map[string]*pollList)
		l.byConn = make(map[*connection]map[*longPoll]struct{})
	}
	for _, t := range p.topics {
		if l.byTopic[t] == nil {
			l.byTopic[t] = new(pollList)
		}
		l.byTopic[t].polls = append(l.byTopic[t].polls, p)
	}
	if l.byConn[p.conn] == nil {
		l.byConn[p.conn] = make(map[*longPoll]struct{})
	}
	l.byConn[p.conn][p] = struct{}{}
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
	if p.ended {
		return false
	}
	p.ended = true
	p.stop()
	delete(l.byConn[p.conn], p)
	if len(l.byConn[p.conn]) == 0 {
		delete(l.byConn, p.conn)
	}
	for _, t := range p.topics {
		list := l.byTopic[t]
		if list.ended++; list.ended*2 >= len(list.polls) {
			list.polls = slices.DeleteFunc(list.polls, func(x *longPoll) bool { return x.ended })
			list.ended = 0
		}
		if len(list.polls) == 0 {
			delete(l.byTopic, t)
		}
	}
	return true
}

// retry gives the requests for a topic another try. arrived is the new message, nil after another change.
func (l *longPolls) retry(topic string, arrived *record) {
	list := l.byTopic[topic]
	if list == nil {
		return
	}
	for _, p := range slices.Clone(list.polls) {
		if !p.ended && p.retry(arrived) {
			l.remove(p)
		}
	}
}

// held is how many requests are held for a topic.
func (l *longPolls) held(topic string) int {
	if list := l.byTopic[topic]; list != nil {
		return len(list.polls) - list.ended
	}
	return 0
}

// removeConnection forgets the requests of a connection that has ended.
func (l *longPolls) removeConnection(c *connection) {
	for p := range maps.Clone(l.byConn[c]) {
		l.remove(p)
	}
}

// clear forgets all requests.
func (l *longPolls) clear() {
	for _, c := range slices.Collect(maps.Keys(l.byConn)) {
		l.removeConnection(c)
	}
}

func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
