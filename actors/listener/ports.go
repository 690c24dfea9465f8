package listener

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/cluster"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// BrokerPort is where a broker is offered. Connections to it are refused while the broker is away.
type BrokerPort struct {
	Port       int    // the listening port
	Advertised string // host:port; the host is that of the listening address when it depends on the asking client
	advertise  int
	cluster    string
}

// PortOf returns a broker's port; ok is false when it has none.
func (l *Listener) PortOf(b route.BrokerID) (p BrokerPort, ok bool) {
	if ports := l.live().ports.Load(); ports != nil {
		p, ok = (*ports)[b]
	}
	return p, ok
}

// advertised tells what a client that reached us on local is told to dial for a broker of a cluster. Another cluster may have
// a broker of the same name.
func (l *Listener) advertised(cluster string, b route.BrokerID, local netip.AddrPort) (host string, port int, ok bool) {
	p, ok := l.PortOf(b)
	if host = l.present().Advertise; host == "" {
		host = local.Addr().Unmap().String()
	}
	return host, p.advertise, ok && p.cluster == cluster
}

// brokerPorts are one broker's open ports. They are paused while the broker is away, so that a new connection meets what it
// would meet at the broker: clients retry elsewhere at once what a refused or broken connection costs them, asynchronous
// sends included.
type brokerPorts struct {
	broker *cluster.Broker
	main   transport.Listener // nil: the broker has none of its own (Listener.OnePort)
	vip    transport.Listener // nil: none
}

func (p *brokerPorts) sockets() (list []transport.Listener) {
	for _, ln := range []transport.Listener{p.main, p.vip} {
		if ln != nil {
			list = append(list, ln)
		}
	}
	return list
}

// openPort is an open socket with what its connections have in common.
type openPort struct {
	port atomic.Pointer[messages.Port]
	all  map[*messages.Port]bool // the present one and those before it
}

// anyPortTries is how often another free port is tried until the one two below it is free as well.
const anyPortTries = 50

// forgottenTimeout is how long connections to a broker that was forgotten may go on. It has been away for minutes.
const forgottenTimeout = 30 * time.Second

// brokersChanged opens the ports of brokers that came, and closes those of brokers that were forgotten.
func (l *listener) brokersChanged(ctx actor.Context) {
	left := map[*messages.Port]bool{}
	unique := l.unique()
	for id, p := range l.brokers {
		if unique[id] != p.broker {
			if p.main != nil {
				l.env.Log.Info("broker port closed", "listener", l.Name, "broker", id.String(), "port", p.main.Addr().Port())
			}
			l.closeBroker(id, left)
		}
	}
	l.depart(ctx, left, forgottenTimeout)
	l.openAll(ctx)
}

// openAll opens whatever is known to be wanted and not open.
func (l *listener) openAll(ctx actor.Context) {
	if l.connections != nil { // else it waits for its time to open
		l.openPorts(ctx, again)
		l.openNameServer(ctx)
		if l.OnePort && l.nameServer != nil {
			l.openVIP(ctx)
		}
	}
}

// retry says whether a port is tried that could not be opened before.
type retry bool

const (
	again    retry = true
	notAgain retry = false
)

// openPorts opens ports for brokers that have none, and publishes them.
func (l *listener) openPorts(ctx actor.Context, retry retry) {
	if l.retiring || l.closing || l.connections == nil {
		return
	}
	changed := false
	for _, b := range l.known() {
		if _, failed := l.leftOut[b.Ref()]; l.offers(b) || failed && !bool(retry) {
			continue
		}
		err := l.taken(b)
		if err == nil {
			err = l.openBroker(ctx, b)
		}
		if err != nil {
			l.leaveOut(b, err)
			continue
		}
		delete(l.leftOut, b.Ref())
		changed = true
	}
	defer l.countLeftOut()
	maps.DeleteFunc(l.leftOut, func(ref messages.BrokerRef, _ string) bool { return l.broker(ref) == nil })
	if changed {
		l.publish()
		l.lookUpNames(ctx)
	}
	if len(l.leftOut) > 0 && l.tries > 0 {
		l.tries--
		l.openAllSoon(ctx)
	}
}

// publish makes the open ports known to all readers ([Listener.PortOf]): after they are open, and at once when one is
// closed, as another listener may have it a moment later.
func (l *listener) publish() {
	ports := l.places()
	before := l.live().ports.Swap(&ports)
	held := map[int]bool{}
	for ln := range l.open {
		held[int(ln.Addr().Port())] = true
	}
	l.live().held.Store(&held)
	l.publishStoreHosts()
	if l.Save == nil || l.OnePort || before != nil && maps.Equal(*before, ports) {
		return
	}
	if err := l.Save(l.Table.Entries()); err != nil {
		l.env.Log.Error("cannot save port table", "listener", l.Name, "setting", "state_dir", "error", err)
	}
}

// places are where clients find the brokers, which they may know from now on.
func (l *listener) places() map[route.BrokerID]BrokerPort {
	if l.OnePort {
		return l.onePorts()
	}
	ports := make(map[route.BrokerID]BrokerPort, len(l.brokers))
	for id, p := range l.brokers {
		if _, advertise, err := l.Table.Place(id); err == nil {
			host := cmp.Or(l.Advertise, l.host())
			l.Table.Told(id)
			ports[id] = BrokerPort{int(p.main.Addr().Port()), net.JoinHostPort(host, strconv.Itoa(advertise)), advertise, p.broker.Cluster}
		}
	}
	return ports
}

func (l *listener) openBroker(ctx actor.Context, b *cluster.Broker) error {
	if l.OnePort {
		l.brokers[b.ID] = &brokerPorts{broker: b}
		return nil
	}
	port, _, err := l.Table.Place(b.ID)
	if err != nil {
		return err
	}
	p, err := l.listen(port)
	for errors.Is(err, syscall.EADDRINUSE) && l.Table.Elsewhere(b.ID) { // no client has been told the port yet
		if port, _, err = l.Table.Place(b.ID); err == nil {
			p, err = l.listen(port)
		}
	}
	if err != nil && port != 0 && l.Ports.Listen.IsZero() && l.Ports.Fixed[b.ID] == 0 {
		p, err = l.listen(0) // a remembered port that another process has now; any other will do
	}
	if err != nil {
		return fmt.Errorf("cannot open its port: %w", err)
	}
	if l.Ports.Listen.IsZero() {
		l.Table.Bind(b.ID, int(p.main.Addr().Port()))
	}
	p.broker = b
	l.brokers[b.ID] = p
	l.accept(ctx, p.main, l.named(b.Cluster), &messages.Port{Role: messages.BrokerPort, Broker: b.ID, To: b})
	if p.vip != nil {
		l.accept(ctx, p.vip, l.named(b.Cluster), &messages.Port{Role: messages.VIPPort, Broker: b.ID, To: b.VIP()})
	}
	l.pauseBroker(p)
	l.env.Log.Info("broker port open", "listener", l.Name, "broker", b.ID.String(), "port", p.main.Addr().Port())
	return nil
}

// listen opens a broker's port and the VIP port two below it; port 0 is any one where both are free. A VIP port that
// another process has is done without: only clients up to 4.4 use it.
func (l *listener) listen(port int) (*brokerPorts, error) {
	var last error
	for range anyPortTries {
		main, err := Open(l.env, l.Listener, net.JoinHostPort(l.host(), strconv.Itoa(port)))
		if err != nil {
			return nil, err
		}
		if !l.Ports.VIP {
			return &brokerPorts{main: main}, nil
		}
		vip, err := Open(l.env, l.Listener, net.JoinHostPort(l.host(), strconv.Itoa(int(main.Addr().Port())-2)))
		if err == nil {
			return &brokerPorts{main: main, vip: vip}, nil
		}
		if port != 0 {
			l.env.Log.Warn("cannot open VIP port of broker", "listener", l.Name, "setting", "listener.vip_channel", "error", err)
			return &brokerPorts{main: main}, nil
		}
		last = err
		main.Close()
	}
	return nil, errors.Join(errors.New("no free port found that has a free one two below it"), last)
}

// accept starts an acceptor on an open socket, which stands for a broker or the name servers of a cluster.
func (l *listener) accept(ctx actor.Context, ln transport.Listener, of *cluster.Cluster, port *messages.Port) {
	port.Listener, port.StatPrefix, port.StoreHosts, port.Advertised = l.Name, l.StatPrefix, l.StoreHosts, l.advertised
	port.Address = ln.Addr()
	if ln == l.nameServer {
		port.Speaks = l.speaks
	}
	l.standFor(port, of)
	o := &openPort{all: map[*messages.Port]bool{port: true}}
	o.port.Store(port)
	l.open[ln] = o
	props := l.env.Props(func() actor.Actor {
		return &acceptor{env: l.env, ln: ln, port: &o.port, connections: l.connections}
	}, nil, nil)
	name := "acceptor/" + ln.Addr().String()
	_, err := ctx.SpawnNamed(props, name)
	if errors.Is(err, actor.ErrNameExists) { // that of a socket which was closed a moment ago is still on its way out
		ctx.SpawnPrefix(props, name)
	} else if err != nil {
		l.env.Log.Error("cannot start acceptor", "listener", l.Name, "address", ln.Addr().String(), "error", err)
	}
	if l.full {
		l.pause(ln, true)
	}
}

// closeBroker closes a broker's ports and notes whose connections have to leave.
func (l *listener) closeBroker(id route.BrokerID, left map[*messages.Port]bool) {
	p := l.brokers[id]
	delete(l.brokers, id)
	l.publish()
	for _, ln := range p.sockets() {
		l.closePort(ln, left)
	}
}

// closePort closes a socket, whose acceptor ends then, and notes whose connections have to leave.
func (l *listener) closePort(ln transport.Listener, left map[*messages.Port]bool) {
	ln.Close()
	if o := l.open[ln]; o != nil {
		maps.Copy(left, o.all)
		delete(l.open, ln)
	}
}

// depart has connections of closed ports end: in good order, and after the timeout at once.
func (l *listener) depart(ctx actor.Context, left map[*messages.Port]bool, timeout time.Duration) {
	if len(left) > 0 {
		l.tellConnections(ctx, &messages.Depart{Ports: left})
		system.After(timeout, system.NewSink(l.env.System, ctx.Self()), &overdue{left})
	}
}
