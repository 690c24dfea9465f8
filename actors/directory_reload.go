package actors

import (
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// turnTo has other name servers asked from now on. What the old ones told stays good until the new ones answer, and
// queries that are out at one that is gone are asked again.
func (d *directory) turnTo(ctx actor.Context, m *messages.NameServers) {
	d.Refresh = m.Refresh
	if slices.Equal(d.NameServers, m.Addresses) {
		return
	}
	d.env.Log.Info("other name servers are asked from now on", "cluster", d.Cluster, "before", d.NameServers, "now", m.Addresses)
	d.NameServers = m.Addresses
	d.View.turnTo(m.Addresses)
	for _, address := range m.Addresses {
		if d.servers[address] == nil {
			d.servers[address] = d.spawn(ctx, address)
		}
	}
	for address, pid := range d.servers {
		if !slices.Contains(m.Addresses, address) {
			delete(d.servers, address)
			ctx.Stop(pid)
		}
	}
	for id, q := range d.queries {
		if d.servers[q.at] == nil {
			q.tried = 0
			d.next(ctx, id, q)
		}
	}
	d.look(ctx)
}
