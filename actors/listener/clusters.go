package listener

import (
	"fmt"
	"maps"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/cluster"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// all are the clusters whose brokers the listener offers.
func (l *Listener) all() []*cluster.Cluster {
	if l.Clusters != nil {
		return l.Clusters
	}
	return []*cluster.Cluster{l.Cluster}
}

// named is one of them; nil: there is none of that name.
func (l *Listener) named(name string) *cluster.Cluster {
	if l.Cluster.Name == name {
		return l.Cluster
	}
	for _, c := range l.Clusters {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func (l *Listener) has(name string) bool { return l.named(name) != nil }

// Needs reports whether the listener offers brokers of a cluster.
func (l *Listener) Needs(c *cluster.Cluster) bool { return l.named(c.Name) == c }

// missing are the clusters of one list that are not in the other.
func missing(list, other []*cluster.Cluster) []*cluster.Cluster {
	return slices.DeleteFunc(slices.Clone(list), func(c *cluster.Cluster) bool { return slices.Contains(other, c) })
}

func (l *listener) subscribe(ctx actor.Context, to []*cluster.Cluster) {
	for _, c := range to {
		ctx.Send(c.PID(), &messages.Subscribe{To: ctx.Self()})
	}
}

func (l *listener) unsubscribe(ctx actor.Context, from []*cluster.Cluster) {
	for _, c := range from {
		ctx.Send(c.PID(), &messages.Unsubscribe{From: ctx.Self()})
	}
}

// Brokers are all that the listener's clusters know, in the order of the clusters; those of one cluster are sorted. Two of
// different clusters may have the same name: the first is the one that is offered.
func (l *Listener) Brokers() []*cluster.Broker { return l.present().known() }

func (l *Listener) known() (list []*cluster.Broker) {
	for _, c := range l.all() {
		list = append(list, c.Snapshot().Brokers()...)
	}
	return list
}

// unique are the brokers that clients are led to, if they can have a port. Clients know a broker by its name, so one whose
// name a broker of an earlier cluster has is not among them.
func (l *Listener) unique() map[route.BrokerID]*cluster.Broker {
	brokers, holders := map[route.BrokerID]*cluster.Broker{}, map[string]string{}
	for _, b := range l.known() {
		if holder, has := holders[b.ID.Name]; has && holder != b.Cluster {
			continue
		}
		holders[b.ID.Name] = b.Cluster
		brokers[b.ID] = b
	}
	return brokers
}

// taken is an error when the broker's name belongs to another cluster's broker.
func (l *Listener) taken(b *cluster.Broker) error {
	for _, other := range l.known() {
		if other.Cluster == b.Cluster {
			return nil
		}
		if other.ID.Name == b.ID.Name {
			return fmt.Errorf("cluster %s has a broker of that name, too; rename one of them (brokerName), or give each cluster a listener of its own", other.Cluster)
		}
	}
	return nil
}

// broker is what is known of a broker of one of the clusters; nil: nothing.
func (l *Listener) broker(ref messages.BrokerRef) *cluster.Broker {
	if c := l.named(ref.Cluster); c != nil {
		return c.Snapshot().Broker(ref.Broker)
	}
	return nil
}

// offers reports whether a broker's ports are open.
func (l *listener) offers(b *cluster.Broker) bool {
	p := l.brokers[b.ID]
	return p != nil && p.broker == b
}

// standFor makes a port that of a cluster's broker, or of its name servers.
func (l *listener) standFor(port *messages.Port, c *cluster.Cluster) {
	of := l.Listener
	port.Cluster = c.Name
	port.Decisions = func() *route.Table { return of.decisions(c) }
	port.Actors = func(name string) *actor.PID {
		if name == c.Name { // also when a reload has given the listener another one
			return c.PID()
		}
		if other := of.present().named(name); other != nil {
			return other.PID()
		}
		return nil
	}
}

// changeClusters closes what stands for clusters that the listener no longer has.
func (l *listener) changeClusters(ctx actor.Context, old *Listener, left map[*messages.Port]bool) {
	l.unsubscribe(ctx, missing(old.all(), l.all()))
	unique := l.unique()
	for _, id := range slices.SortedFunc(maps.Keys(l.brokers), route.BrokerID.Compare) {
		if unique[id] != l.brokers[id].broker {
			l.closeBroker(id, left)
		}
	}
	if old.Cluster != l.Cluster {
		l.stopGRPC(ctx)
	}
	if o := l.open[l.nameServer]; o != nil && old.Cluster != l.Cluster {
		maps.Copy(left, o.all)
		l.renew(o, func(p *messages.Port) {
			p.To = l.Cluster.AnyNameServer(l.env.Transport)
			l.standFor(p, l.Cluster)
		})
	}
}
