package listener

import (
	"cmp"
	"net"
	"strconv"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// A one-port listener opens its own port and, for the VIP channel, the one two below it. Clients are told its own address for
// every broker, and its connections find the brokers that requests are for.

// acceptOwn accepts on the listener's own port.
func (l *listener) acceptOwn(ctx actor.Context) {
	if !l.OnePort {
		l.accept(ctx, l.nameServer, l.Cluster, &messages.Port{Role: messages.NameServerPort, To: l.Cluster.AnyNameServer(l.env.Transport)})
		return
	}
	l.accept(ctx, l.nameServer, l.Cluster, l.onePort(messages.OnePort))
	l.publish()
	l.openVIP(ctx)
}

func (l *listener) onePort(role messages.Role) *messages.Port {
	of := l.Listener
	return &messages.Port{
		Role: role, To: l.Cluster.AnyNameServer(l.env.Transport),
		FindBroker: func(id route.BrokerID) (messages.Destination, string, bool) { return of.present().find(id, role) },
	}
}

// find is a broker as a port leads to it. Of two with one id the first is the one that is offered.
func (l *Listener) find(id route.BrokerID, role messages.Role) (to messages.Destination, cluster string, ok bool) {
	for _, c := range l.all() {
		if b := c.Snapshot().Broker(id); b != nil && role == messages.OneVIPPort {
			return b.VIP(), c.Name, true
		} else if b != nil {
			return b, c.Name, true
		}
	}
	return nil, "", false
}

// openVIP opens the port for the VIP channel. One that another process has is done without: only clients up to 4.4 use it.
func (l *listener) openVIP(ctx actor.Context) {
	if !l.Ports.VIP || l.vip != nil || l.retiring || l.closing {
		return
	}
	ln, err := Open(l.env, l.Listener, net.JoinHostPort(l.host(), strconv.Itoa(int(l.nameServer.Addr().Port())-2)))
	if err != nil && l.tries > 0 { // after a reload another listener of ours may be about to close it
		l.tries--
		l.openAllSoon(ctx)
		return
	}
	if err != nil {
		if _, ok := l.warned.Allow(l.env.Now()); ok {
			l.env.Log.Warn("cannot open VIP port", "listener", l.Name, "setting", "listener.vip_channel", "error", err)
		}
		return
	}
	l.vip = ln
	l.accept(ctx, ln, l.Cluster, l.onePort(messages.OneVIPPort))
	l.publish()
}

// changeVIP opens the port for the VIP channel, or closes it.
func (l *listener) changeVIP(ctx actor.Context, left map[*messages.Port]bool) {
	switch {
	case l.nameServer == nil || !l.OnePort: // it opens with that
	case l.Ports.VIP:
		l.openVIP(ctx)
	case l.vip != nil:
		l.closePort(l.vip, left)
		l.vip = nil
	}
}

// onePorts is where clients find all brokers, once it is open.
func (l *listener) onePorts() map[route.BrokerID]BrokerPort {
	ports := make(map[route.BrokerID]BrokerPort, len(l.brokers))
	if l.nameServer == nil {
		return ports
	}
	own := int(l.nameServer.Addr().Port())
	told := cmp.Or(l.AdvertisePort, own)
	address := net.JoinHostPort(cmp.Or(l.Advertise, l.host()), strconv.Itoa(told))
	for id, p := range l.brokers {
		ports[id] = BrokerPort{own, address, told, p.broker.Cluster}
	}
	return ports
}

// composeOnePort is what decisions have to know of the brokers.
func (l *Listener) composeOnePort() *route.OnePort {
	var clusters []string
	for _, c := range l.all() {
		clusters = append(clusters, c.Name)
	}
	unique := l.unique()
	brokers := make([]route.OnePortBroker, 0, len(unique))
	for id, b := range unique {
		brokers = append(brokers, route.OnePortBroker{BrokerID: id, Of: b.Cluster, Down: b.Away})
	}
	table := route.NewOnePort(clusters, brokers, l.Balance)
	table.Life = l.PopLife
	return table
}
