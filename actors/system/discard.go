package system

import "github.com/asynkron/protoactor-go/actor"

// Discarder is a message that holds something which has to be given back when its actor will no longer read it:
// bytes would count against limits.buffer_total for good, sockets would stay open.
type Discarder interface{ Discard() }

// Discard gives back what a message holds.
func Discard(msg any) {
	if m, ok := msg.(Discarder); ok {
		m.Discard()
	}
}

// discardDeadLetters does the same for what is sent to an actor that is gone.
func discardDeadLetters(system *actor.ActorSystem) {
	system.EventStream.Subscribe(func(event any) {
		if letter, ok := event.(*actor.DeadLetterEvent); ok {
			Discard(letter.Message)
		}
	})
}
