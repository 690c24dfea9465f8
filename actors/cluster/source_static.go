package cluster

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// static is the source of a cluster whose brokers are written down: nobody is asked. Brokers that take no connections are
// left out of its answers, as name servers leave them out.
type static struct{ c *clusterActor }

// ServeStatic says what is written down of the cluster's brokers; nil: name servers know them.
func (c *Cluster) ServeStatic(s *route.Static) { c.change(func(t *route.Table) { t.Static = s }) }

// Static is what is written down of the cluster's brokers; nil: name servers know them.
func (c *Cluster) Static() *route.Static { return c.Snapshot().table.Static }

func (s *static) start(ctx actor.Context) { s.c.learn(ctx, "", s.c.Static().All()) }

// refresh looks for brokers that are away: nobody else would say so before clients have found out.
func (s *static) refresh(actor.Context) {
	for _, b := range s.c.Snapshot().Brokers() {
		b.tell(&lookNow{})
	}
}

func (s *static) ask(ctx actor.Context, k key) {
	all := s.c.Static()
	a, there := &codec.Command{Code: codec.ResSuccess}, all
	if k != wholeCluster && !k.list {
		there = all.Having(k.topic)
	}
	there = there.Without(s.away)
	switch {
	case k.list && k.topic == "":
		a.Body = rewrite.TopicList(all.Topics())
	case k.list:
		a.Body = rewrite.TopicList(all.Of(k.topic).Topics())
	case k == wholeCluster:
		a.Body = rewrite.StaticClusterInfo(there)
	case len(there.Brokers) == 0:
		a.Code, a.Remark = codec.ResTopicNotExist, "rocketmq-proxy: no broker of cluster "+s.c.Name+" has topic "+k.topic+" (cluster.broker.topics)"
	default:
		a.Body = rewrite.StaticTopicRoute(there, k.topic)
	}
	s.c.take(ctx, k, "", a, there.All())
	if k == wholeCluster {
		s.c.wasLookedAt(ctx, all.All())
	}
	s.c.settled(ctx, k)
}

func (s *static) away(id route.BrokerID) bool {
	b := s.c.Snapshot().Broker(id)
	return b != nil && b.Away()
}

func (s *static) turnTo(ctx actor.Context, m *messages.Source) {
	s.c.ServeStatic(m.Static)
	s.start(ctx)
	s.c.look(ctx)
}

func (s *static) receive(actor.Context) {}

func (s *static) stop(actor.Context) {}
