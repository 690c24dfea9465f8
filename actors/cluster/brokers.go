package cluster

import (
	"maps"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// learn takes what a name server says of brokers.
func (c *clusterActor) learn(ctx actor.Context, from string, list []route.Broker) {
	brokers := maps.Clone(c.Snapshot().brokers)
	var came, moved []*Broker
	for _, b := range list {
		b.Address = route.DialAddress(b.Address)
		broker := brokers[b.BrokerID]
		if broker == nil {
			broker = NewBroker(c.Name, b, c.env.Transport.Towards(c.Upstream))
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
		c.env.Log.Info("brokers known", "cluster", c.Name, "name_server", from, "brokers", describe(c.Snapshot().Brokers()))
		c.publish(ctx, &messages.BrokersChanged{Cluster: c.Name})
	}
	for _, b := range moved {
		b.tell(&movedAway{})
		c.publish(ctx, &messages.BrokerMoved{BrokerRef: b.ref()})
	}
}

// turned passes on that a broker was lost or is back.
func (c *clusterActor) turned(ctx actor.Context, b *Broker) {
	if !b.Away() {
		c.publish(ctx, &messages.BrokerBack{BrokerRef: b.ref()})
		return
	}
	c.publish(ctx, &messages.BrokerLost{BrokerRef: b.ref()})
	c.refresh(ctx)
}

func (b *Broker) ref() messages.BrokerRef {
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
