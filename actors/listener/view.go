package listener

import (
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/cluster"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Listener is one named address that clients use as their name server, and the ports of the brokers behind it.
type Listener struct {
	Name       string
	Address    string // host:port of the name-server port; broker ports open on the same host
	StatPrefix string
	Advertise  string // host; "": the address that the asking client reached us on
	Ports      route.PortOptions
	RewriteIDs bool
	// Handshake is what clients have to pass before their first frame, on all ports.
	Handshake transport.DownstreamHandshake
	ReusePort bool
	// Inherit gives a listening socket of a predecessor away, by its address; it may be nil.
	Inherit func(address string) (fd int, ok bool)
	Cluster *cluster.Cluster
	// Save keeps the port table for the next start; it may be nil.
	Save func(map[route.BrokerID]int) error
	// Table is the port table, with what was saved by the last run.
	Table *route.PortTable
	Late  bool // it came or changed by a reload: an address that cannot be opened is tried again

	own  live
	from *live // of the first revision; nil: this is the first
}

// live is what all revisions of a listener have in common. It outlives the actor.
type live struct {
	latest  atomic.Pointer[Listener] // nil: the first
	cluster atomic.Pointer[actor.PID]
	places  atomic.Pointer[map[route.BrokerID]Place]
	opened  atomic.Bool
	shut    atomic.Bool // it was removed, or a drain has begun: it opens no more
	bound   atomic.Pointer[netip.AddrPort]
	rewrite atomic.Bool
	backoff backoff
	socket  transport.Listener // open at its address for the first actor; nil: none
}

// present is the revision in effect.
func (l *Listener) present() *Listener {
	if latest := l.live().latest.Load(); latest != nil {
		return latest
	}
	return l
}

func (l *Listener) live() *live {
	if l.from != nil {
		return l.from
	}
	return &l.own
}

// Open reports that the name-server port is open and each known broker has been looked at.
func (l *Listener) Open() bool { return l.live().opened.Load() }

// Addr is the name-server port's address once Open.
func (l *Listener) Addr() netip.AddrPort {
	if a := l.live().bound.Load(); a != nil {
		return *a
	}
	return netip.AddrPort{}
}

// Advertised is what a client that reached us on local is told to dial for a broker.
func (l *Listener) Advertised(b route.BrokerID, local netip.AddrPort) (host string, port int, ok bool) {
	now := l.live()
	places := now.places.Load()
	if places == nil {
		return "", 0, false
	}
	p, ok := (*places)[b]
	if host = l.present().Advertise; host == "" {
		host = local.Addr().Unmap().String()
	}
	return host, p.advertise, ok
}

// Place is where a broker is offered. Only brokers that have a port have one; it is closed while the broker is away.
type Place struct {
	Port       int            // the listening port
	Advertised string         // host:port; the host is that of the listening address when it depends on the asking client
	Slot       *messages.Slot // whether the broker is away
	advertise  int
}

// Place returns a broker's place.
func (l *Listener) Place(b route.BrokerID) (Place, bool) {
	places := l.live().places.Load()
	if places == nil {
		return Place{}, false
	}
	p, ok := (*places)[b]
	return p, ok
}

// Slots lists the brokers that have a place.
func (l *Listener) Slots() []*messages.Slot {
	places := l.live().places.Load()
	if places == nil {
		return nil
	}
	slots := make([]*messages.Slot, 0, len(*places))
	for _, p := range *places {
		slots = append(slots, p.Slot)
	}
	slices.SortFunc(slots, func(a, b *messages.Slot) int { return a.Broker.Compare(b.Broker) })
	return slots
}
