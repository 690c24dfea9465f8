package cluster

import (
	"cmp"
	"maps"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// learn takes what a name server says of brokers; from is "" when it is written down.
func (c *clusterActor) learn(ctx actor.Context, from string, list []route.Broker) {
	brokers := maps.Clone(c.Snapshot().brokers)
	var came, moved []*Broker
	for _, b := range list {
		b.Address = route.DialAddress(b.Address)
		broker := brokers[b.BrokerID]
		if broker != nil {
			broker.unlisted = 0
		} else {
			broker = NewBroker(c.Name, b, c.env.Transport.Towards(c.Upstream))
			broker.pause = c.pauseOf(b.Name)
			brokers[b.BrokerID] = broker
			came = append(came, broker)
			continue
		}
		if before := broker.known.Swap(&b); before.Address != b.Address {
			c.env.Log.Info("broker address changed", "cluster", c.Name, "broker", b.BrokerID.String(), "address", b.Address, "before", before.Address)
			moved = append(moved, broker)
		}
	}
	first := c.Snapshot().Answered().IsZero()
	c.update(func(s *Snapshot) {
		s.answered = time.Now()
		s.first(from)
		if len(came) > 0 {
			s.brokers = brokers
		}
	})
	for _, b := range came {
		c.watch(ctx, b)
	}
	if len(came) > 0 || first {
		c.env.Log.Info("brokers known", "cluster", c.Name, "from", cmp.Or(from, "cluster.broker"), "brokers", describe(c.Snapshot().Brokers()))
		c.publish(ctx, &messages.BrokersChanged{Cluster: c.Name})
	}
	for _, b := range moved {
		b.tell(&movedAway{})
		c.publish(ctx, &messages.BrokerMoved{BrokerRef: b.Ref()})
	}
}

// forgetUnlisted is how long a broker that is away is kept when name servers do not list it any longer: one that is restarted
// has its ports again, and keeps its numbers.
const forgetUnlisted = 5 * time.Minute

// forgetBrokers forgets those that are away and that a look at the whole cluster has not listed for a while; after a reload at
// once. Its port stays in the port tables. What is no longer written down is forgotten also when it is there.
func (c *clusterActor) forgetBrokers(ctx actor.Context, list []route.Broker) {
	listed := map[route.BrokerID]bool{}
	for _, b := range list {
		listed[b.BrokerID] = true
	}
	patience := int64(forgetUnlisted)
	if c.reloaded {
		patience, c.reloaded = 0, false
	}
	now := c.env.Now()
	brokers := maps.Clone(c.Snapshot().brokers)
	for id, b := range brokers {
		if listed[id] {
			continue
		}
		if b.unlisted == 0 {
			b.unlisted = now
		}
		b.tell(&lookNow{}) // nobody else may
		unlisted := now - b.unlisted
		if b.Away() && unlisted >= patience || c.Static() != nil && unlisted >= int64(forgetUnlisted) {
			c.env.Log.Info("broker forgotten", "cluster", c.Name, "broker", id.String(), "address", b.Address())
			delete(brokers, id)
			ctx.Stop(b.actor.Swap(nil).PID)
		}
	}
	if len(brokers) == len(c.Snapshot().brokers) {
		return
	}
	c.update(func(s *Snapshot) { s.brokers = brokers })
	c.publish(ctx, &messages.BrokersChanged{Cluster: c.Name})
}

// healthChanged passes on that a broker was lost or is back.
func (c *clusterActor) healthChanged(ctx actor.Context, b *Broker) {
	c.changes.Add(1)
	switch {
	case b.pause.On(): // its clients wait for the end
	case b.Reachable():
		c.publish(ctx, &messages.BrokerBack{BrokerRef: b.Ref()})
	default:
		c.publish(ctx, &messages.BrokerLost{BrokerRef: b.Ref()})
		c.refresh(ctx)
	}
}

// Ref names it for messages.
func (b *Broker) Ref() messages.BrokerRef {
	return messages.BrokerRef{Cluster: b.Cluster, Broker: b.ID}
}

// describe names brokers and their addresses for a line of the log.
func describe(brokers []*Broker) string {
	words := make([]string, 0, len(brokers))
	for _, b := range brokers {
		words = append(words, b.ID.String()+"="+b.Address())
	}
	return strings.Join(words, " ")
}
