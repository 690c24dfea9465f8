package cluster

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// source is where a cluster learns what there is: who has a topic, and which brokers there are. It is a part of the
// cluster's actor. Each ask ends in clusterActor.settled, by itself or after clusterActor.accept or failed.
type source interface {
	// start begins, also after a crash.
	start(ctx actor.Context)
	// ask finds out about a topic, or about wholeCluster. It is not called again for one that is being asked about.
	ask(ctx actor.Context, k key)
	// refresh is told that the whole cluster is looked at again, which is asked for beside.
	refresh(ctx actor.Context)
	// turnTo is told that there is something else of the same kind to learn from. What is known stays good until then.
	turnTo(ctx actor.Context, m *messages.Source)
	// receive gets the messages that the cluster does not know.
	receive(ctx actor.Context)
	// stop ends what would send the actor something.
	stop(ctx actor.Context)
}

func (c *clusterActor) newSource() source {
	if c.Static() != nil {
		return &static{c}
	}
	return &nameServers{c: c}
}

// turnTo has the cluster learn from something else. Where that is of another kind, what was being asked for is asked again.
func (c *clusterActor) turnTo(ctx actor.Context, m *messages.Source) {
	c.Refresh = m.Refresh
	if (m.Static == nil) == (c.Static() == nil) {
		c.source.turnTo(ctx, m)
		return
	}
	c.source.stop(ctx)
	c.ServeStatic(m.Static)
	c.useNameServers(m.NameServers)
	c.env.Log.Info("source of routes changed", "cluster", c.Name, "name_servers", describeAll(m.NameServers))
	c.source = c.newSource()
	c.source.start(ctx)
	for k, e := range c.entries {
		if e.asking {
			c.source.ask(ctx, k)
		}
	}
	c.look(ctx)
}
