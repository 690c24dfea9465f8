package messages

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// Slot is a broker's place behind one listener, which its port and its VIP port share. Its prober says whether the
// broker is away, all upstreams of the slot go by it, and it outlives them.
type Slot struct {
	Broker route.BrokerID
	Prober *actor.PID // gets DialFailed; set before the ports open

	// Away: the broker does not take connections. Nobody but the prober dials it, and its ports are closed.
	Away atomic.Bool
	// Dials and Failures count attempts to connect to the broker, those of the prober included.
	Dials, Failures atomic.Uint64
}

// DialFailed tells a prober that a client's connection to the broker could not be opened.
type DialFailed struct {
	Err     error
	Refused bool // nobody listens there: no second look is needed
}

// BrokerGone tells that a slot's broker is away; its ports are closed when connections hear of it.
type BrokerGone struct{ Slot *Slot }

// BrokerBack tells that the broker takes connections again.
type BrokerBack struct{ Slot *Slot }
