package system

import (
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// mailbox is an actor.Mailbox for actors that come in tens of thousands: one allocation, no buffers until messages
// wait, system messages first, and batches taken under one lock. The library's own needs seven allocations and never
// gives memory back.
type mailbox struct {
	mu        sync.Mutex
	in        []any // user messages, the senders' side
	out       []any // the batch that is being worked on
	system    *systemMessage
	pos       int32        // in out
	systems   atomic.Int32 // how many there are, to look at without the lock
	state     atomic.Int32 // one of those below
	suspended bool         // it is to end after the message at work, until it is resumed
	ended     bool         // the actor has been told to stop: what comes is given back (discard)
	inline    bool         // its dispatcher runs it right where a message comes from
	invoker   actor.MessageInvoker
	kind      *mailboxKind
	runFn     func()
}

// States of a mailbox. It changes without the lock only between resting and passing: what comes to an actor that has
// nothing to do is mostly the only thing that comes, and touches no queue and no lock.
const (
	resting   int32 = iota // nothing waits
	passing                // one message goes past the queue, and nothing has come meanwhile
	running                // it goes on until nothing waits
	suspended              // only a system message has it run again
)

// mailboxKind is what all mailboxes of one recipe have in common.
type mailboxKind struct {
	dispatcher actor.Dispatcher
	onPanic    func(reason any, stack []byte)
}

// systemMessage is one of a list: an actor gets few of them, seldom more than one at a time.
type systemMessage struct {
	msg  any
	next *systemMessage
}

// keepCap is the capacity in messages that a mailbox keeps after a burst.
const keepCap = 64

// mailboxProducer makes mailboxes for actors of d, whatever dispatcher they are registered with.
func mailboxProducer(d actor.Dispatcher, onPanic func(reason any, stack []byte)) actor.MailboxProducer {
	kind := &mailboxKind{d, onPanic}
	return func() actor.Mailbox {
		m := &mailbox{kind: kind, inline: d == Inline}
		m.runFn = m.run
		return m
	}
}

// Start is part of actor.Mailbox.
func (m *mailbox) Start() {}

// RegisterHandlers is part of actor.Mailbox.
func (m *mailbox) RegisterHandlers(i actor.MessageInvoker, _ actor.Dispatcher) { m.invoker = i }

// UserMessageCount is part of actor.Mailbox: what waits behind the batch at work.
func (m *mailbox) UserMessageCount() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.in)
}

// PostUserMessage is part of actor.Mailbox.
func (m *mailbox) PostUserMessage(msg any) { m.post(msg, m.inline) }

// post takes a user message. One that comes from where the actor runs is here: then an actor that has nothing to do
// gets it at once, past the queue.
func (m *mailbox) post(msg any, here bool) {
	if here && m.state.CompareAndSwap(resting, passing) {
		m.invoke(msg)
		if !m.state.CompareAndSwap(passing, resting) {
			m.run()
		}
		return
	}
	m.mu.Lock()
	m.in = append(m.in, msg)
	m.scheduleLocked(false)
}

// PostSystemMessage is part of actor.Mailbox.
func (m *mailbox) PostSystemMessage(msg any) {
	if q, ok := msg.(*mailboxQuery); ok {
		q.mailbox = m
		return
	}
	m.mu.Lock()
	last := &m.system
	for *last != nil {
		last = &(*last).next
	}
	*last = &systemMessage{msg: msg}
	m.systems.Add(1)
	m.scheduleLocked(true)
}

// scheduleLocked gives the lock back and has the mailbox run if it does not run.
func (m *mailbox) scheduleLocked(evenSuspended bool) {
	start := m.callLocked(evenSuspended)
	m.mu.Unlock()
	if start {
		m.kind.dispatcher.Schedule(m.runFn)
	}
}

// callLocked has whoever runs the mailbox look at its queues, and reports true when nobody does.
func (m *mailbox) callLocked(evenSuspended bool) (start bool) {
	for {
		switch state := m.state.Load(); {
		case state == running || state == suspended && !evenSuspended:
			return false
		case m.state.CompareAndSwap(state, running):
			return state != passing
		}
	}
}

// invoke gives the actor one message.
func (m *mailbox) invoke(msg any) {
	defer func() {
		if reason := recover(); reason != nil {
			m.kind.onPanic(reason, debug.Stack())
			m.invoker.EscalateFailure(reason, msg)
		}
	}()
	m.hand(msg)
}

// hand gives the actor a user message. One that is waiting for the end of its children would still take them: nothing
// would end what it began.
func (m *mailbox) hand(msg any) {
	if m.ended {
		Discard(msg)
		return
	}
	m.invoker.InvokeUserMessage(msg)
}

func (m *mailbox) run() {
	for !m.runUntilIdle() {
	}
}

// runUntilIdle reports false when a message made the actor panic: its supervisor knows, go on with what is left.
func (m *mailbox) runUntilIdle() (idle bool) {
	var msg any
	defer func() {
		if reason := recover(); reason != nil {
			m.kind.onPanic(reason, debug.Stack())
			m.invoker.EscalateFailure(reason, msg)
			idle = false
		}
	}()
	for {
		system, more := m.next()
		if !more {
			return true
		}
		if system != nil {
			msg = system
			m.invoker.InvokeSystemMessage(system)
			continue
		}
		for int(m.pos) < len(m.out) && m.systems.Load() == 0 {
			msg = m.out[m.pos]
			m.out[m.pos] = nil
			m.pos++
			m.hand(msg)
		}
	}
}

// next takes a system message or makes out the next batch; more is false when there is nothing to do.
func (m *mailbox) next() (system any, more bool) {
	m.mu.Lock()
	system, more = m.nextLocked()
	m.mu.Unlock()
	return system, more
}

func (m *mailbox) nextLocked() (system any, more bool) {
	for m.system != nil {
		msg := m.system.msg
		m.system = m.system.next
		m.systems.Add(-1)
		switch msg.(type) {
		case *actor.SuspendMailbox:
			m.suspended = true
		case *actor.ResumeMailbox:
			m.suspended = false
		case *actor.Restart:
			if !m.ended { // else its parent would wait for its end for ever
				return msg, true
			}
		case *actor.Stop:
			m.ended = true
			return msg, true
		default:
			return msg, true
		}
	}
	if m.suspended && !m.ended {
		m.state.Store(suspended)
		return nil, false
	}
	if int(m.pos) == len(m.out) {
		if len(m.in) == 0 {
			if cap(m.out) > keepCap || cap(m.in) > keepCap {
				m.in, m.out = nil, nil
			}
			m.out, m.pos = m.out[:0], 0
			m.state.Store(resting)
			return nil, false
		}
		m.in, m.out, m.pos = m.out[:0], m.in, 0
	}
	return nil, true
}
