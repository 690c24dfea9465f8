package actors

import (
	"sync/atomic"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// Event is something that operators want to see when it happens.
type Event = messages.Event

// Subscription is a bounded stream of events. Actors never wait for its reader: what it has no room for is left out and
// counted.
type Subscription struct {
	Events <-chan *Event
	missed atomic.Uint64
	end    func()
}

// Missed is how many events there was no room for.
func (s *Subscription) Missed() uint64 { return s.missed.Load() }

// Close ends the stream. Events is not closed, as an actor may just be about to write to it.
func (s *Subscription) Close() { s.end() }

// Events subscribes to all events from now on, of which room many wait to be read.
func (p *Proxy) Events(room int) *Subscription {
	events := make(chan *Event, room)
	s := &Subscription{Events: events}
	stream := p.env.System.EventStream
	handle := stream.Subscribe(func(message any) {
		e, ok := message.(*Event)
		if !ok {
			return
		}
		select {
		case events <- e:
		default:
			s.missed.Add(1)
		}
	})
	s.end = func() { stream.Unsubscribe(handle) }
	return s
}

// Publish adds an event of the program's own, such as the progress of a drain.
func (p *Proxy) Publish(e Event) { e.Publish(p.env.System) }

// Kinds of events.
const (
	BrokerUnreachable = messages.BrokerUnreachable
	BrokerRecovered   = messages.BrokerRecovered
	ListenerOpened    = messages.ListenerOpened
	ListenerClosed    = messages.ListenerClosed
	DrainProgress     = messages.DrainProgress
)
