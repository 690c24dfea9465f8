package system

import "github.com/asynkron/protoactor-go/actor"

// Sink hands events to an actor's mailbox without a look-up.
type Sink struct {
	PID     *actor.PID
	mailbox *mailbox // nil: the actor has ended
}

// NewSink is the sink of an actor. What is delivered after the actor has ended is discarded.
func NewSink(system *actor.ActorSystem, pid *actor.PID) Sink {
	return Sink{pid, mailboxOf(system, pid)}
}

// Deliver is part of transport.Sink.
func (s Sink) Deliver(event any) {
	if s.mailbox == nil {
		Discard(event)
		return
	}
	s.mailbox.PostUserMessage(event)
}

// DeliverInline is part of transport.LocalSink: to be called on the actor's own executor only. So what a socket brings
// goes through upstream, connection and request down to the write in one go, and no queue is touched.
func (s Sink) DeliverInline(event any) {
	if s.mailbox == nil {
		Discard(event)
		return
	}
	s.mailbox.post(event, true)
}
