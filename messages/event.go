package messages

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// EventKind says what an Event is about.
type EventKind string

// Kinds of events, as they appear in /api/v1/events.
const (
	BrokerUnreachable EventKind = "broker unreachable"
	BrokerRecovered   EventKind = "broker recovered"
	ListenerOpened    EventKind = "listener opened"
	ListenerClosed    EventKind = "listener closed"
	DrainProgress     EventKind = "drain progress"
)

// Event is something that operators want to see when it happens. It never changes.
type Event struct {
	At          time.Time `json:"at"`
	Kind        EventKind `json:"kind"`
	Cluster     string    `json:"cluster,omitempty"`
	Listener    string    `json:"listener,omitempty"`
	Broker      string    `json:"broker,omitempty"`
	Address     string    `json:"address,omitempty"`
	Reason      string    `json:"reason,omitempty"`
	Connections int       `json:"connections,omitempty"` // that are left, of DrainProgress
}

// Publish passes an event on to all subscribers (actors.Proxy.Events). It never blocks.
func (e *Event) Publish(system *actor.ActorSystem) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	system.EventStream.Publish(e)
}
