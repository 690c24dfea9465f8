package actors

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

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
	// Entrance is what clients have to pass before their first frame, on all ports.
	Entrance  transport.Entrance
	Directory *Directory
	// Save keeps the port table for the next start; it may be nil.
	Save func(map[route.BrokerID]int) error
	// Table is the port table, with what was saved by the last run.
	Table *route.PortTable

	places atomic.Pointer[map[route.BrokerID]Place]
	opened atomic.Bool
	bound  atomic.Pointer[netip.AddrPort]
}

// Open reports that the name-server port is open and each known broker has been looked at.
func (l *Listener) Open() bool { return l.opened.Load() }

// Addr is the name-server port's address once Open.
func (l *Listener) Addr() netip.AddrPort {
	if a := l.bound.Load(); a != nil {
		return *a
	}
	return netip.AddrPort{}
}

// Advertised is what a client that reached us on local is told to dial for a broker.
func (l *Listener) Advertised(b route.BrokerID, local netip.AddrPort) (host string, port int, ok bool) {
	places := l.places.Load()
	if places == nil {
		return "", 0, false
	}
	p, ok := (*places)[b]
	if host = l.Advertise; host == "" {
		host = local.Addr().Unmap().String()
	}
	return host, p.advertise, ok
}

// Place is where a broker is offered. Only brokers whose ports are open have one.
type Place struct {
	Port       int    // the listening port
	Advertised string // host:port; the host is that of the listening address when it depends on the asking client
	advertise  int
}

// Place returns a broker's place.
func (l *Listener) Place(b route.BrokerID) (Place, bool) {
	places := l.places.Load()
	if places == nil {
		return Place{}, false
	}
	p, ok := (*places)[b]
	return p, ok
}

// listener opens the name-server port when the directory has its first answer, and a port for each broker when the
// directory learns of it. It owns the open sockets; acceptors only accept on them, so a crash of one refuses nobody.
type listener struct {
	*Listener
	env         *Env
	directory   *actor.PID
	connections *actor.PID
	slots       map[route.BrokerID]*slot
	nameServer  transport.Listener
	failed      map[route.BrokerID]string // why a broker has no port; logged when it changes
}

// slot is one broker's ports.
type slot struct {
	main transport.Listener
	vip  transport.Listener // nil: none
}

// anyPortTries is how often another free port is tried until the one two below it is free as well.
const anyPortTries = 50

// Receive is part of actor.Actor.
func (l *listener) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		l.slots, l.failed = map[route.BrokerID]*slot{}, map[route.BrokerID]string{}
		props := l.env.props(func() actor.Actor { return &connections{env: l.env} }, nil, nil)
		l.connections, _ = ctx.SpawnNamed(props, "connections")
		ctx.Send(l.connections, &meet{listener: ctx.Self(), directory: l.directory})
		ctx.Send(l.directory, &messages.Subscribe{To: ctx.Self()})
	case *messages.Brokers:
		l.place(ctx, m.List)
		l.openNameServer(ctx)
	case *messages.Place:
		l.place(ctx, m.Brokers)
		ctx.Send(m.To, &messages.Placed{Told: m.Told})
	case *messages.Drain:
		l.close()
		ctx.Send(l.connections, m)
	case *messages.Report:
		ctx.Send(l.connections, m)
	case *messages.Fault:
		panic(m.Reason)
	case *actor.Stopping, *actor.Restarting:
		l.env.cleanUp(l.close)
	}
}

func (l *listener) host() string {
	host, _, _ := net.SplitHostPort(l.Address)
	return host
}

func (l *listener) openNameServer(ctx actor.Context) {
	if l.nameServer != nil {
		return
	}
	ln, err := l.listenOn(l.Address)
	if err != nil {
		l.env.GiveUp(fmt.Errorf("cannot open listener %s (listener.address %s): %w", l.Name, l.Address, err))
		return
	}
	l.nameServer = ln
	addr := ln.Addr()
	l.bound.Store(&addr)
	l.accept(ctx, ln, &messages.Port{Role: messages.NameServerPort, Target: l.Directory.View.NameServer})
	l.opened.Store(true)
	l.env.Log.Info("listener is open", "listener", l.Name, "name-server address", addr.String(), "brokers", len(l.slots))
}

// place opens ports for brokers that have none, and tells clients' connections about them.
func (l *listener) place(ctx actor.Context, brokers []route.Broker) {
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
			places[id] = Place{int(s.main.Addr().Port()), net.JoinHostPort(host, strconv.Itoa(advertise)), advertise}
		}
	}
	l.places.Store(&places)
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
	view := l.Directory.View
	l.accept(ctx, s.main, &messages.Port{Role: messages.BrokerPort, Broker: id,
		Target: func(int) (string, bool) { return view.Address(id) }})
	if s.vip != nil {
		l.accept(ctx, s.vip, &messages.Port{Role: messages.VIPPort, Broker: id,
			Target: func(int) (string, bool) { return vipAddress(view.Address(id)) }})
	}
	l.env.Log.Info("broker has a port", "listener", l.Name, "broker", id.String(), "port", s.main.Addr().Port())
	return nil
}

// listenOn opens one port with its entrance.
func (l *listener) listenOn(address string) (transport.Listener, error) {
	ln, err := l.env.Transport.Listen(address)
	if err != nil {
		return nil, err
	}
	return l.Entrance.Guard(ln), nil
}

// listen opens a broker's port and the VIP port two below it; port 0 is any one where both are free. A VIP port that
// somebody else holds is done without: only clients up to 4.4 use it.
func (l *listener) listen(port int) (*slot, error) {
	var last error
	for range anyPortTries {
		main, err := l.listenOn(net.JoinHostPort(l.host(), strconv.Itoa(port)))
		if err != nil {
			return nil, err
		}
		if !l.Ports.VIP {
			return &slot{main: main}, nil
		}
		vip, err := l.listenOn(net.JoinHostPort(l.host(), strconv.Itoa(int(main.Addr().Port())-2)))
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

// accept starts an acceptor on an open socket.
func (l *listener) accept(ctx actor.Context, ln transport.Listener, port *messages.Port) {
	port.Listener, port.StatPrefix, port.RewriteIDs, port.Advertised = l.Name, l.StatPrefix, l.RewriteIDs, l.Advertised
	port.Dialer = l.Directory.brokerDialer(l.env.Transport)
	if port.Role == messages.NameServerPort {
		port.Dialer = l.Directory.nameServerDialer(l.env.Transport)
	}
	props := l.env.props(func() actor.Actor {
		return &acceptor{env: l.env, ln: ln, port: port, connections: l.connections}
	}, nil, nil)
	if _, err := ctx.SpawnNamed(props, "acceptor/"+ln.Addr().String()); err != nil {
		l.env.Log.Error("cannot start an acceptor", "listener", l.Name, "address", ln.Addr().String(), "error", err)
	}
}

// close closes the open sockets: nobody new is accepted.
func (l *listener) close() {
	l.opened.Store(false)
	if l.nameServer != nil {
		l.nameServer.Close()
	}
	for _, s := range l.slots {
		s.main.Close()
		if s.vip != nil {
			s.vip.Close()
		}
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
