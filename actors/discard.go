package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// discard gives back what a message holds that its actor will not read any more: bytes would count against
// limits.buffer_total for good, sockets would stay open. Sockets that nobody has started may be closed anywhere.
func discard(msg any) {
	switch m := msg.(type) {
	case *transport.Chunk:
		m.Release()
	case *messages.Forward:
		m.Done()
	case *messages.Deliver:
		m.Done()
	case *transport.Accepted:
		m.Conn.Close()
	case *messages.Accepted:
		m.Conn.Close()
	case *messages.Adopt:
		m.Conn.Close()
		if m.Upstream != nil {
			m.Upstream.Close()
		}
	}
}

// discardDeadLetters does the same for what is sent to an actor that is gone.
func discardDeadLetters(system *actor.ActorSystem) {
	system.EventStream.Subscribe(func(event any) {
		if letter, ok := event.(*actor.DeadLetterEvent); ok {
			discard(letter.Message)
		}
	})
}
