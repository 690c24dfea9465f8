package cluster

import (
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// turnTo has other name servers asked from now on. What the old ones told stays good until the new ones answer, and
// queries that are out are asked again.
func (d *clusterActor) turnTo(ctx actor.Context, m *messages.NameServers) {
	d.Refresh = m.Refresh
	if slices.Equal(d.NameServers, m.Addresses) {
		return
	}
	d.env.Log.Info("other name servers are asked from now on", "cluster", d.Name, "before", d.NameServers, "now", m.Addresses)
	d.NameServers = m.Addresses
	d.View.turnTo(m.Addresses)
	d.know(m.Addresses)
	for _, s := range d.Servers() {
		if d.servers[s.Address] == nil {
			d.servers[s.Address] = d.spawn(ctx, s)
		}
	}
	for address, pid := range d.servers {
		if !slices.Contains(m.Addresses, address) {
			delete(d.servers, address)
			ctx.Stop(pid)
		}
	}
	d.askAgain(ctx)
	d.look(ctx)
}

// askAgain begins each query anew, under another number: what the old name servers have to say comes too late.
func (d *clusterActor) askAgain(ctx actor.Context) {
	out := d.queries
	d.queries = map[int64]*query{}
	for _, q := range out {
		q.stop()
		d.begin(ctx, q.topic)
	}
}
