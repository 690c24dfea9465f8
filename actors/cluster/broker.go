package cluster

import (
	"errors"
	"net/netip"
	"sync/atomic"
	"syscall"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Broker is one broker process of a cluster as everyone sees it. It outlives its actor, which writes it; everybody may
// read it. It is the [messages.Destination] of the broker's ports.
type Broker struct {
	Cluster string // the proxy's name of its cluster
	ID      route.BrokerID

	// Dials and Failures count attempts to connect to it, those of its prober included.
	Dials, Failures atomic.Uint64

	expected messages.Expected
	pause    *messages.Pause // of all brokers of the name
	unlisted int64           // since when name servers do not list it; 0: they do. Its cluster's own
	known    atomic.Pointer[route.Broker]
	away     atomic.Bool
	dialer   transport.Dialer
	actor    atomic.Pointer[system.Sink] // of its actor; nil: it has none yet
}

// NewBroker makes what is known of a broker that nobody has tried to connect to yet. dialer opens its connections.
func NewBroker(cluster string, b route.Broker, dialer transport.Dialer) *Broker {
	broker := &Broker{Cluster: cluster, ID: b.BrokerID, dialer: dialer, pause: &messages.Pause{}}
	broker.known.Store(&b)
	return broker
}

// Known is what name servers said of it last. Its address is one that can be dialed.
func (b *Broker) Known() route.Broker { return *b.known.Load() }

// Address is where it is, as host:port.
func (b *Broker) Address() string { return b.known.Load().Address }

// Away reports that the broker takes no connections, so that nobody but its prober dials it, and its ports refuse. They do
// not while it is paused: its clients wait.
func (b *Broker) Away() bool { return b.away.Load() && !b.pause.On() }

// Reachable reports that it takes connections, as far as is known.
func (b *Broker) Reachable() bool { return !b.away.Load() }

// Pause is part of messages.Destination.
func (b *Broker) Pause() *messages.Pause { return b.pause }

// Target is part of messages.Destination.
func (b *Broker) Target(int) (address string, ok bool) { return b.Address(), true }

// Serves is part of messages.Destination: an upstream to an address that the broker had before is one to leave.
func (b *Broker) Serves(address string, _ netip.AddrPort) bool { return address == b.Address() }

// Dialer is part of messages.Destination.
func (b *Broker) Dialer() transport.Dialer { return b.dialer }

// Dialed is part of messages.Destination.
func (b *Broker) Dialed() { b.Dials.Add(1) }

// DialFailed is part of messages.Destination. A refusal is certain: nobody listens there.
func (b *Broker) DialFailed(err error) (refused bool) {
	b.Failures.Add(1)
	refused = errors.Is(err, syscall.ECONNREFUSED)
	b.tell(&dialFailed{err, refused})
	return refused
}

// Expected is part of messages.Destination. Its VIP port has the same.
func (b *Broker) Expected() *messages.Expected { return &b.expected }

func (b *Broker) String() string { return "broker " + b.ID.String() }

// tell sends a message to the broker's actor.
func (b *Broker) tell(m any) {
	if sink := b.actor.Load(); sink != nil {
		sink.Deliver(m)
	}
}

// VIP is the broker's fast port, two below the other (MixAll.java#brokerVIPChannel). A broker may lack it, so failures
// there say nothing about the broker.
func (b *Broker) VIP() messages.Destination { return vipPort{b} }

type vipPort struct{ *Broker }

func (v vipPort) Target(int) (address string, ok bool) { return route.VIPAddress(v.Address()) }

func (v vipPort) Serves(address string, _ netip.AddrPort) bool {
	now, ok := v.Target(0)
	return ok && address == now
}

func (v vipPort) DialFailed(error) (refused bool) {
	v.Failures.Add(1)
	return false
}

func (v vipPort) String() string { return "vip " + v.ID.String() }
