package listener

import (
	"maps"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// reloads is what a listener keeps for the sake of reloads.
type reloads struct {
	retiring bool
	prepared transport.Listener // opened beforehand for the name-server port; nil: none
	warned   system.Sampler     // of an address that cannot be opened
	tries    int                // how often ports that cannot be opened are tried again soon
	trying   bool               // openAgain is about to come
}

// Orders of the top supervisor.
type (
	// Revise turns a listener into its next revision. The answer is Adjusted.
	Revise struct {
		Next    *Listener
		Socket  transport.Listener // open at the next address; nil: open it yourself
		Timeout time.Duration      // for connections of ports that are closed
	}
	// Retire ends a listener: it accepts nothing, what is in flight finishes within Timeout, then its actor stops. The
	// answer is Adjusted.
	Retire struct{ Timeout time.Duration }
	// Adjusted says that the listener's sockets are where they belong.
	Adjusted struct{}
)

// Self-messages.
type (
	openAgain struct{}
	overdue   struct{ ports map[*messages.Port]bool } // nil: all of them
)

const (
	// openAgainAfter is how long an address that cannot be opened is left alone. Mostly it belongs to a listener of ours
	// that is closing at the same time.
	openAgainAfter = 100 * time.Millisecond
	// portTries is how often a broker's port is tried so soon after a reload. Later it is with each look at the cluster.
	portTries = 50
)

func (l *listener) reload(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *Revise:
		l.revise(ctx, m)
		ctx.Respond(&Adjusted{})
	case *Retire:
		l.retire(ctx, m)
		ctx.Respond(&Adjusted{})
	case *openAgain:
		l.trying = false
		l.openAll(ctx)
	case *emptied:
		ctx.Request(ctx.Parent(), &messages.Emptied{})
		if l.retiring {
			l.env.Log.Info("listener closed", "listener", l.Name)
			ctx.Stop(ctx.Self())
		}
	case *overdue:
		l.overdue(ctx, m)
	}
}

func (l *listener) retire(ctx actor.Context, m *Retire) {
	l.env.Log.Info("listener removed, draining", "listener", l.Name, "drain_timeout_seconds", m.Timeout.Seconds())
	l.retiring = true
	l.live().shut.Store(true)
	l.close()
	clear(l.brokers)
	l.publish()               // another listener may have the ports now
	if l.connections == nil { // it waits for its time to open
		ctx.Send(ctx.Self(), &emptied{})
		return
	}
	l.letGoGRPC(ctx)
	ctx.Send(l.connections, &messages.Drain{Over: m.Timeout})
	system.After(m.Timeout, system.NewSink(l.env.System, ctx.Self()), &overdue{})
}

func (l *listener) overdue(ctx actor.Context, m *overdue) {
	if m.ports != nil {
		l.tellConnections(ctx, &messages.Depart{Ports: m.ports, Now: true})
		return
	}
	l.env.Log.Warn("drain timeout, closing connections of removed listener", "listener", l.Name)
	ctx.Stop(ctx.Self())
}

// revise changes what has to change. Every other socket stays open with its connections.
func (l *listener) revise(ctx actor.Context, m *Revise) {
	old := l.Listener
	l.become(m.Next)
	l.tries = portTries
	left := map[*messages.Port]bool{}
	l.changeClusters(ctx, old, left)
	l.changePorts(old, left)
	l.changeAddress(ctx, old, m.Socket, left)
	l.changeVIP(ctx, left)
	l.renewPorts()
	l.openPorts(ctx, again)
	l.publish()
	l.lookUpNames(ctx)
	l.subscribe(ctx, missing(l.all(), old.all()))
	l.depart(ctx, left, m.Timeout)
}

// become takes over a revision; what lives goes on under it.
func (l *listener) become(next *Listener) {
	l.Listener = next
	l.live().latest.Store(next)
}

// changePorts closes the ports that brokers no longer have; openPorts opens the new ones.
func (l *listener) changePorts(old *Listener, left map[*messages.Port]bool) {
	rehosted := old.host() != l.host()
	if l.OnePort || !rehosted && samePorts(old.Ports, l.Ports) {
		l.Table = old.Table
		return
	}
	table, err := route.NewPortTable(l.Ports, old.Table.Entries())
	if err != nil { // the configuration was checked
		panic("BUG: " + err.Error())
	}
	l.Table = table
	for _, id := range slices.SortedFunc(maps.Keys(l.brokers), route.BrokerID.Compare) {
		port, _, err := table.Place(id)
		if rehosted || err != nil || port != int(l.brokers[id].main.Addr().Port()) || old.Ports.VIP != l.Ports.VIP {
			l.closeBroker(id, left)
		}
	}
}

func samePorts(a, b route.PortOptions) bool {
	return a.Listen == b.Listen && a.Advertise == b.Advertise && a.VIP == b.VIP && maps.Equal(a.Fixed, b.Fixed)
}

// changeAddress opens the new name-server port before the old one is closed, where both can be open.
func (l *listener) changeAddress(ctx actor.Context, old *Listener, socket transport.Listener, left map[*messages.Port]bool) {
	if old.Address == l.Address {
		return
	}
	if l.prepared != nil {
		l.prepared.Close()
	}
	l.prepared = socket
	before := l.nameServer
	if before == nil {
		return // it opens when the cluster is known
	}
	l.nameServer = nil
	if l.vip != nil {
		l.closePort(l.vip, left)
		l.vip = nil
	}
	if socket == nil {
		l.live().opened.Store(false)
		l.closePort(before, left)
		l.openNameServer(ctx)
		return
	}
	l.openNameServer(ctx)
	l.closePort(before, left)
}

// renewPorts has new connections counted under the present stat_prefix. Those that are open stay where their gauges
// were raised.
func (l *listener) renewPorts() {
	for _, o := range l.open {
		if o.port.Load().StatPrefix != l.StatPrefix {
			l.renew(o, func(p *messages.Port) { p.StatPrefix = l.StatPrefix })
		}
	}
}

func (l *listener) renew(o *openPort, change func(*messages.Port)) {
	next := *o.port.Load()
	change(&next)
	o.all[&next] = true
	o.port.Store(&next)
}

// openNameServerSoon tries an address again that cannot be opened now.
func (l *listener) openNameServerSoon(ctx actor.Context, err error) {
	if line, ok := l.warned.Allow(l.env.Now(), "listener", l.Name, "address", l.Address, "error", err); ok {
		l.env.Log.Error("cannot open listener, trying again", line...)
	}
	l.openAllSoon(ctx)
}

// openAllSoon opens again what could not be opened.
func (l *listener) openAllSoon(ctx actor.Context) {
	if !l.trying {
		l.trying = true
		system.After(openAgainAfter, system.NewSink(l.env.System, ctx.Self()), &openAgain{})
	}
}
