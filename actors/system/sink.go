package system

import "github.com/asynkron/protoactor-go/actor"

// sink hands events to an actor's mailbox without a look-up.
type Sink struct {
	PID     *actor.PID
	mailbox *mailbox // nil: the actor has ended
}

// whose asks a mailbox of ours for itself: the library keeps it to itself.
type whose struct{ mailbox *mailbox }

func NewSink(system *actor.ActorSystem, pid *actor.PID) Sink {
	process, _ := system.ProcessRegistry.Get(pid)
	q := &whose{}
	process.SendSystemMessage(pid, q)
	return Sink{pid, q.mailbox}
}

// Deliver is part of transport.Sink.
func (s Sink) Deliver(event any) {
	if s.mailbox == nil {
		Discard(event)
		return
	}
	s.mailbox.PostUserMessage(event)
}

// DeliverInline is part of transport.LocalSink: for those who run on the actor's own executor. So what a socket brings
// goes through upstream, connection and request down to the write in one go, and no queue is touched.
func (s Sink) DeliverInline(event any) {
	if s.mailbox == nil {
		Discard(event)
		return
	}
	s.mailbox.post(event, true)
}
