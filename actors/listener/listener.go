// Package listener opens ports, accepts connections and supervises them: the name-server port that clients are given as
// their name server, and a port for each broker behind it. [Listener] outlives its actor.
package listener

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// listener opens the name-server port when the directory has its first answer, and a port for each broker when the
// directory learns of it. It owns the open sockets; acceptors only accept on them, so a crash of one refuses nobody.
type listener struct {
	*Listener
	env         *env.Env
	cluster     *actor.PID
	connections *actor.PID
	slots       map[route.BrokerID]*slot
	nameServer  transport.Listener
	failed      map[route.BrokerID]string // why a broker has no port; logged when it changes
	gates       map[transport.Listener]*gate
	refusing    bool   // all permits are taken
	closing     bool   // a drain has begun: no port is opened any more
	cancel      func() // of the pause before it opens; nil: none
	reloads
}

// newListener makes the actor of a listener. What lives of it, and may have changed by reloads, outlives its actors.
func New(e *env.Env, l *Listener) *listener {
	return &listener{Listener: l.present(), env: e, cluster: l.live().cluster.Load()}
}

// prepare gives a listener that is about to start its directory's actor and, unless it is nil, a socket that is open at
// its address.
func (l *Listener) Prepare(directory *actor.PID, socket transport.Listener) {
	l.live().socket = socket
	l.live().cluster.Store(directory)
}

// succeed has l live where the revision before it does.
func (l *Listener) Succeed(before *Listener) { l.from = before.live() }

// gate is an open socket with what its connections have in common.
type gate struct {
	port atomic.Pointer[messages.Port]
	all  map[*messages.Port]bool // the present one and those before it
}

// anyPortTries is how often another free port is tried until the one two below it is free as well.
const anyPortTries = 50

// Receive is part of actor.Actor.
func (l *listener) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		l.begin(ctx)
	case *reopen:
		l.reopen(ctx)
	case *messages.Brokers:
		if m.Cluster == l.Cluster.Name {
			l.place(ctx, m.List)
			l.openNameServer(ctx)
		}
	case *messages.OpenPorts:
		l.place(ctx, slices.DeleteFunc(slices.Clone(m.Brokers), l.foreign))
		ctx.Send(m.To, &messages.PortsOpened{Reply: m.Reply})
	case *messages.CloseDoors:
		l.closeDoors()
	case *messages.ShareDoors:
		l.shareDoors(ctx)
	case *messages.Adopt:
		l.adopt(ctx, m)
	case *messages.Refuse:
		l.refuse(m.On)
	case *messages.BrokerGone:
		l.heed(m.Slot)
		ctx.Send(l.connections, m)
	case *messages.BrokerBack:
		l.heed(m.Slot)
		ctx.Send(l.connections, m)
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
	case *messages.Fault:
		panic(m.Reason)
	case *actor.Restarting:
		l.env.CleanUp(func() { l.crashed(ctx) })
	case *actor.Stopping:
		l.env.CleanUp(func() { l.leave(ctx) })
	default:
		l.reload(ctx)
	}
}

// start spawns who takes connections, and waits for the directory to name the brokers.
func (l *listener) start(ctx actor.Context) {
	l.slots, l.failed, l.gates = map[route.BrokerID]*slot{}, map[route.BrokerID]string{}, map[transport.Listener]*gate{}
	l.live().rewrite.Store(l.RewriteIDs)
	props := l.env.Props(func() actor.Actor { return &connections{env: l.env, name: l.Name} }, nil, nil)
	l.connections, _ = ctx.SpawnNamed(props, "connections")
	ctx.Send(l.connections, &meet{listener: ctx.Self(), cluster: l.cluster})
	ctx.Send(l.cluster, &messages.Subscribe{To: ctx.Self()})
}

// tellConnections passes a message on; a listener that waits for its time to open has no connections.
func (l *listener) tellConnections(ctx actor.Context, m any) {
	if l.connections != nil {
		ctx.Send(l.connections, m)
	}
}

// leave closes the doors and wants no more news.
func (l *listener) leave(ctx actor.Context) {
	l.close()
	ctx.Send(l.cluster, &messages.Unsubscribe{From: ctx.Self()})
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
		l.openSoon(ctx, err)
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
	l.accept(ctx, ln, &messages.Port{Role: messages.NameServerPort, Target: l.Cluster.View.NameServer, Serves: l.Cluster.View.Serves})
	l.live().opened.Store(true)
	l.tell(messages.ListenerOpened, addr.String())
	l.env.Log.Info("listener is open", "listener", l.Name, "name-server address", addr.String(), "brokers", len(l.slots))
}

// place opens ports for brokers that have none, and tells clients' connections about them.
func (l *listener) place(ctx actor.Context, brokers []route.Broker) {
	if l.retiring || l.closing {
		return
	}
	changed := false
	for _, b := range brokers {
		if l.slots[b.BrokerID] != nil {
			continue
		}
		if err := l.openSlot(ctx, b.BrokerID); err != nil {
			if why := err.Error(); l.failed[b.BrokerID] != why {
				l.failed[b.BrokerID] = why
				l.env.Log.Error("a broker is left out of the routes", "listener", l.Name, "broker", b.String(), "reason", why)
			}
			continue
		}
		delete(l.failed, b.BrokerID)
		changed = true
	}
	if changed {
		l.publish()
	}
}

// publish makes open ports known, after they are open and never before.
func (l *listener) publish() {
	places := make(map[route.BrokerID]Place, len(l.slots))
	for id, s := range l.slots {
		_, advertise, err := l.Table.Place(id)
		if err == nil {
			host := cmp.Or(l.Advertise, l.host())
			places[id] = Place{int(s.main.Addr().Port()), net.JoinHostPort(host, strconv.Itoa(advertise)), s.Slot, advertise}
		}
	}
	l.live().places.Store(&places)
	if l.Save == nil {
		return
	}
	if err := l.Save(l.Table.Entries()); err != nil {
		l.env.Log.Error("cannot keep the port table (state_dir); after a restart brokers may get other ports", "listener", l.Name, "error", err)
	}
}

func (l *listener) openSlot(ctx actor.Context, id route.BrokerID) error {
	port, _, err := l.Table.Place(id)
	if err != nil {
		return err
	}
	s, err := l.listen(port)
	if err != nil && port != 0 && l.Ports.Listen.IsZero() && l.Ports.Fixed[id] == 0 {
		s, err = l.listen(0) // a remembered port that somebody else has now; any other will do
	}
	if err != nil {
		return fmt.Errorf("cannot open its port: %w", err)
	}
	if l.Ports.Listen.IsZero() {
		l.Table.Bind(id, int(s.main.Addr().Port()))
	}
	l.slots[id] = s
	s.Slot = l.watch(ctx, id)
	l.acceptAll(ctx, s)
	l.env.Log.Info("broker has a port", "listener", l.Name, "broker", id.String(), "port", s.main.Addr().Port())
	return nil
}

// listen opens a broker's port and the VIP port two below it; port 0 is any one where both are free. A VIP port that
// somebody else holds is done without: only clients up to 4.4 use it.
func (l *listener) listen(port int) (*slot, error) {
	var last error
	for range anyPortTries {
		main, err := Open(l.env, l.Listener, net.JoinHostPort(l.host(), strconv.Itoa(port)))
		if err != nil {
			return nil, err
		}
		if !l.Ports.VIP {
			return &slot{main: main}, nil
		}
		vip, err := Open(l.env, l.Listener, net.JoinHostPort(l.host(), strconv.Itoa(int(main.Addr().Port())-2)))
		if err == nil {
			return &slot{main: main, vip: vip}, nil
		}
		if port != 0 {
			l.env.Log.Warn("cannot open a VIP port; clients up to 4.4 need it, or listener.vip_channel = false", "listener", l.Name, "error", err)
			return &slot{main: main}, nil
		}
		last = err
		main.Close()
	}
	return nil, errors.Join(errors.New("no free port found that has a free one two below it"), last)
}

// dialer opens the upstream connections of a kind of port.
func (l *listener) dialer(role messages.Role) transport.Dialer {
	if role == messages.NameServerPort {
		return l.Cluster.NameServerDialer(l.env.Transport)
	}
	return l.Cluster.BrokerDialer(l.env.Transport)
}

// maintained tells whether a broker, or with a zero one the cluster, is in maintenance.
func (l *listener) maintained(b route.BrokerID) func() bool {
	d := l.Cluster
	return func() bool { return d.Maintained(b.Name) }
}

// accept starts an acceptor on an open socket.
func (l *listener) accept(ctx actor.Context, ln transport.Listener, port *messages.Port) {
	port.Listener, port.StatPrefix, port.RewriteIDs, port.Advertised = l.Name, l.StatPrefix, &l.live().rewrite, l.Advertised
	port.Dialer, port.Maintained = l.dialer(port.Role), l.maintained(port.Broker)
	d := &gate{all: map[*messages.Port]bool{port: true}}
	d.port.Store(port)
	l.gates[ln] = d
	props := l.env.Props(func() actor.Actor {
		return &acceptor{env: l.env, ln: ln, port: &d.port, connections: l.connections}
	}, nil, nil)
	name := "acceptor/" + ln.Addr().String()
	_, err := ctx.SpawnNamed(props, name)
	if errors.Is(err, actor.ErrNameExists) { // that of a socket which was closed a moment ago is still on its way out
		ctx.SpawnPrefix(props, name)
	} else if err != nil {
		l.env.Log.Error("cannot start an acceptor", "listener", l.Name, "address", ln.Addr().String(), "error", err)
	}
	if l.refusing {
		l.refuseOn(ln, true)
	}
}

// vipAddress is a broker's own VIP port: two below the other (MixAll.java#brokerVIPChannel).
func vipAddress(address string, ok bool) (string, bool) {
	host, port, err := net.SplitHostPort(address)
	n, err2 := strconv.Atoi(port)
	if !ok || err != nil || err2 != nil {
		return "", false
	}
	return net.JoinHostPort(host, strconv.Itoa(n-2)), true
}
