package grpc

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
)

// question is what an actor asks another one, which sends the same message back with its answer.
type question struct {
	from system.Sink
	then func() // what the asker does with the answer
	// late is what it does with an answer that comes after it has stopped waiting; nil: nothing.
	late   func()
	done   bool   // the asker no longer waits
	cancel func() // of its timer; nil: none
}

func (q *question) asked() *question { return q }

// inquiry is a message with a question.
type inquiry interface{ asked() *question }

// overdue is that an asker has waited long enough for an answer, or for a moment.
type overdue struct {
	q  *question // nil: it waits for a moment
	do func()
}

// asker is an actor that asks. Questions are its own from the answer on.
type asker struct {
	self system.Sink
	open int // questions without an answer, also those that it no longer waits for
}

// ask sends a question to an actor. then is called with the answer, or expired when there is none in time; a timeout of 0 has no
// end.
func (a *asker) ask(to system.Sink, m inquiry, timeout time.Duration, then, expired func()) {
	q := m.asked()
	q.from, q.then = a.self, then
	if timeout > 0 {
		q.cancel = system.After(timeout, a.self, &overdue{q, expired})
	}
	a.open++
	to.Deliver(m)
}

// answered goes on with an answer.
func (a *asker) answered(q *question) {
	a.open--
	switch {
	case q.done:
		if q.late != nil {
			q.late()
		}
		return
	case q.cancel != nil:
		q.cancel()
	}
	q.done = true
	q.then()
}

// expired goes on without an answer.
func (a *asker) expired(m *overdue) {
	if m.q != nil && m.q.done {
		return
	}
	if m.q != nil {
		m.q.done = true
	}
	m.do()
}

// later does something after a while.
func (a *asker) later(d time.Duration, do func()) { system.After(d, a.self, &overdue{nil, do}) }
