package embedded

import (
	"slices"
	"time"
)

// waitingRoom is where requests of a broker wait for messages (long polling). Guarded by the set's lock.
type waitingRoom struct {
	broker  *Broker
	byTopic map[string][]*waiter
}

// waiter is one waiting request.
type waiter struct {
	conn   *connection
	topics []string
	// try looks again after a message has arrived in one of the topics, or after some other change (nil), and reports
	// whether the request has been answered.
	try    func(arrived *record) bool
	expire func() // answers that there was nothing
	stop   func() bool
}

// wait lets a request wait for at most d.
func (w *waitingRoom) wait(x *waiter, d time.Duration) {
	if w.byTopic == nil {
		w.byTopic = make(map[string][]*waiter)
	}
	for _, t := range x.topics {
		w.byTopic[t] = append(w.byTopic[t], x)
	}
	x.stop = w.broker.clock.AfterFunc(d, func() {
		w.broker.locked(func() {
			if w.remove(x) {
				x.expire()
			}
		})
	})
}

// remove takes a waiter out and reports whether it was still there.
func (w *waitingRoom) remove(x *waiter) bool {
	found := false
	for _, t := range x.topics {
		if i := slices.Index(w.byTopic[t], x); i >= 0 {
			w.byTopic[t] = slices.Delete(w.byTopic[t], i, i+1)
			found = true
		}
		if len(w.byTopic[t]) == 0 {
			delete(w.byTopic, t)
		}
	}
	x.stop()
	return found
}

// arrived lets those try again who wait for messages of this one's topic.
func (w *waitingRoom) arrived(rec *record) { w.look(rec.topic, rec) }

// look lets those try again who wait for messages of a topic.
func (w *waitingRoom) look(topic string, rec *record) {
	for _, x := range slices.Clone(w.byTopic[topic]) {
		if x.try(rec) {
			w.remove(x)
		}
	}
}

// leave forgets what a connection waits for.
func (w *waitingRoom) leave(c *connection) {
	for _, x := range w.all() {
		if x.conn == c {
			w.remove(x)
		}
	}
}

// clear forgets everything.
func (w *waitingRoom) clear() {
	for _, x := range w.all() {
		w.remove(x)
	}
}

func (w *waitingRoom) all() []*waiter {
	var all []*waiter
	for _, list := range w.byTopic {
		all = append(all, list...)
	}
	return all
}

func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
