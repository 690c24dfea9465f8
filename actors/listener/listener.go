// Package listener opens ports, accepts connections and supervises them: the name-server port that clients are given as
// their name server, and a port for each broker behind it.
//
// [Listener] outlives its actor: what of it may be asked by anybody, such as [Listener.PortOf], is published there. The
// actor subscribes to its cluster, opens a port for each broker in the snapshot, pauses it while the broker is away, and
// takes reloads ([Revise], [Retire]), drains and connections of other processes (package messages).
package listener

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/cluster"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/grpc"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Listener is one named address that clients use as their name server, and the ports of the brokers behind it.
type Listener struct {
	Name       string
	Address    string // host:port of the name-server port; broker ports open on the same host
	StatPrefix string // of the 27 statistics
	Advertise  string // host; "": the address that the asking client reached the proxy on
	Ports      route.PortOptions
	// OnePort: the listener's own port is that of all brokers; Ports only says whether there is one for the VIP channel.
	OnePort       bool
	AdvertisePort int           // that clients are told for all brokers, with OnePort; 0: the listener's own
	Balance       bool          // with OnePort: sends and pops that name no broker are balanced (listener.unnamed)
	PopLife       time.Duration // with Balance: how long an ack without a handle finds its pop (listener.transient_object_life_span)
	RewriteIDs    bool          // store hosts and message ids get the proxy's addresses (listener.rewrite_message_ids)
	// Handshake is what clients have to pass before their first frame, on all ports.
	Handshake transport.DownstreamHandshake
	GRPC      grpc.Settings
	ReusePort bool // other processes may listen on the same address (listener.reuse_port)
	// Inherit returns the listening socket that a predecessor had at an address, which is the caller's from then on; nil:
	// there is no predecessor.
	Inherit func(address string) (fd int, ok bool)
	// Cluster is the listener's own cluster: name-server requests that are relayed go to its name servers.
	Cluster *cluster.Cluster
	// Clusters are all whose brokers it offers, its own included, in the order of the configuration: of brokers with the same
	// name the first one is offered. nil: its own alone.
	Clusters []*cluster.Cluster
	Lines    []route.Line // its [[route]] tables
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
	ports   atomic.Pointer[map[route.BrokerID]BrokerPort]
	held    atomic.Pointer[map[int]bool] // ports of open sockets
	leftOut atomic.Int32
	opened  atomic.Bool
	table   atomic.Pointer[composed]
	shut    atomic.Bool // it was removed, or a drain has begun: it opens no more
	bound   atomic.Pointer[netip.AddrPort]
	hosts   atomic.Pointer[storeHosts] // nil: store hosts are not rewritten
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

// Holds reports that one of the listener's sockets is open at a port, or was until a moment ago.
func (l *Listener) Holds(port int) bool {
	held := l.live().held.Load()
	return l.Open() && (int(l.Addr().Port()) == port || held != nil && (*held)[port])
}

// Addr is the name-server port's address once Open.
func (l *Listener) Addr() netip.AddrPort {
	if a := l.live().bound.Load(); a != nil {
		return *a
	}
	return netip.AddrPort{}
}

// listener opens the name-server port when one of its clusters has its first answer, and a port for each broker when a
// cluster learns of it. It owns the open sockets; acceptors only accept on them, so a crash of one closes no port.
type listener struct {
	*Listener
	env         *env.Env
	connections *actor.PID
	grpc        *actor.PID // nil: no client has spoken it yet
	brokers     map[route.BrokerID]*brokerPorts
	nameServer  transport.Listener
	vip         transport.Listener            // two ports below, with OnePort; nil: none
	leftOut     map[messages.BrokerRef]string // why a broker has no port; logged when it changes
	open        map[transport.Listener]*openPort
	full        bool   // all permits are taken, and all ports paused
	closing     bool   // a drain has begun: no more ports are opened
	cancel      func() // of the pause before it opens; nil: none
	names       names
	reloads
}

// New makes the actor of a listener, as its last revision says.
func New(e *env.Env, l *Listener) actor.Actor {
	return &listener{Listener: l.present(), env: e}
}

// Prepare gives a listener that is about to start, unless it is nil, a socket that is open at its address.
func (l *Listener) Prepare(socket transport.Listener) { l.live().socket = socket }

// Succeed makes l the next revision of before: both have the same sockets and ports.
func (l *Listener) Succeed(before *Listener) { l.from = before.live() }

// Receive is part of actor.Actor.
func (l *listener) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		l.begin(ctx)
	case *reopen:
		l.reopen(ctx)
	case *messages.BrokersChanged:
		if l.has(m.Cluster) {
			l.brokersChanged(ctx)
		}
	case *messages.Refreshed:
		if l.has(m.Cluster) {
			l.refreshed(ctx)
		}
	case *named:
		l.nameKnown(m)
	case *messages.HTTP2:
		l.http2(ctx, m)
	case *messages.OpenPorts:
		l.openPorts(ctx, notAgain)
		ctx.Send(m.To, &messages.PortsOpened{Reply: m.Reply})
	case *messages.StopAccepting:
		l.stopAccepting()
	case *messages.ShareListeners:
		l.shareListeners(ctx)
	case *messages.Adopt:
		l.adopt(ctx, m)
	case *messages.PausePorts:
		l.pauseAll(m.On)
	case *messages.BrokerLost:
		l.brokerTurned(ctx, m.BrokerRef, m)
	case *messages.BrokerBack:
		l.brokerTurned(ctx, m.BrokerRef, m)
	case *messages.BrokerPaused:
		l.brokerTurned(ctx, m.BrokerRef, m)
	case *messages.BrokerMoved:
		l.publishStoreHosts()
		l.lookUpNames(ctx)
		l.brokerTurned(ctx, m.BrokerRef, m)
	case *messages.Offer:
		l.offered(ctx, m)
	case *messages.Drain:
		l.drain(ctx, m)
	case *messages.ListConnections:
		if l.connections != nil {
			ctx.Send(l.connections, m)
		} else {
			ctx.Send(m.To, &messages.ConnectionList{})
		}
	case *messages.Report:
		if l.connections != nil {
			ctx.Send(l.connections, m)
		} else {
			ctx.Send(m.To, &messages.Counted{})
		}
	case *actor.Restarting:
		l.env.CleanUp(func() { l.crashed(ctx) })
	case *actor.Stopping:
		l.env.CleanUp(func() { l.leave(ctx) })
	default:
		l.reload(ctx)
	}
}

// start spawns the supervisor of connections, and waits for the clusters to name the brokers.
func (l *listener) start(ctx actor.Context) {
	l.grpc = nil // of the listener before a crash
	l.brokers, l.leftOut, l.open = map[route.BrokerID]*brokerPorts{}, map[messages.BrokerRef]string{}, map[transport.Listener]*openPort{}
	props := l.env.Props(func() actor.Actor { return &connections{env: l.env, name: l.Name} }, nil, nil)
	l.connections, _ = ctx.SpawnNamed(props, "connections")
	ctx.Send(l.connections, &neighbors{listener: ctx.Self()})
	l.subscribe(ctx, l.all())
}

// tellConnections passes a message on; a listener that waits for its time to open has no connections.
func (l *listener) tellConnections(ctx actor.Context, m any) {
	if l.connections != nil {
		ctx.Send(l.connections, m)
	}
}

// leave closes the ports and ends the subscriptions to the clusters.
func (l *listener) leave(ctx actor.Context) {
	l.close()
	l.unsubscribe(ctx, l.all())
}

func (l *Listener) host() string {
	host, _, _ := net.SplitHostPort(l.Address)
	return host
}

// address is where the name-server port opens; any free port stays the same one when it opens again.
func (l *listener) address() string {
	_, port, _ := net.SplitHostPort(l.Address)
	if b := l.live().bound.Load(); b != nil && port == "0" {
		return net.JoinHostPort(l.host(), strconv.Itoa(int(b.Port())))
	}
	return l.Address
}

func (l *listener) openNameServer(ctx actor.Context) {
	if l.nameServer != nil || l.retiring || l.closing {
		return
	}
	ln, err := l.prepared, error(nil)
	if l.prepared = nil; ln == nil {
		ln, err = Open(l.env, l.Listener, l.address())
	}
	if err != nil && l.Late {
		l.openNameServerSoon(ctx, err)
		return
	}
	if err != nil && l.live().backoff.failures > 0 {
		l.openLater(ctx, err)
		return
	}
	if err != nil {
		l.env.GiveUp(fmt.Errorf("cannot open listener %s (listener.address %s): %w", l.Name, l.Address, err))
		return
	}
	l.nameServer = ln
	addr := ln.Addr()
	l.live().bound.Store(&addr)
	l.acceptOwn(ctx)
	l.live().opened.Store(true)
	l.publishEvent(messages.ListenerOpened, addr.String())
	l.env.Log.Info("listener open", "listener", l.Name, "name_server", addr.String(), "brokers", len(l.brokers))
}
