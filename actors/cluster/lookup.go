package cluster

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// A name server that is configured by a host name is dialed by it, so a new connection finds the machine that the name
// stands for. An open one does not: the old machine may live on. So names are looked up with each look at the cluster, and
// connections to machines that a name no longer stands for are left, clients' own included.

// Lookup finds the addresses of a host, as net.Resolver.LookupNetIP does.
type Lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

// lookupPatience bounds one lookup.
const lookupPatience = 5 * time.Second

// Messages of a lookup: what a name stands for now, and that a name server's actor is to compare its connection with it.
type (
	lookedUp struct {
		server   *NameServer
		machines []netip.Addr
		err      error
	}
	checkMachine struct{}
)

// standsFor reports whether a connection's remote end is a machine that the name server's name stands for.
func (s *NameServer) standsFor(remote netip.AddrPort) bool {
	machines := s.machines.Load()
	return machines == nil || !remote.IsValid() || slices.Contains(*machines, remote.Addr().Unmap())
}

// refresh looks all names up. A lookup may take a while, so it has a goroutine; of each name there is one at a time.
func (n *nameServers) refresh(actor.Context) {
	lookup := n.c.Lookup
	if lookup == nil {
		return
	}
	for _, s := range n.c.Servers() {
		host, _, err := route.SplitAddress(s.Address)
		if _, isIP := netip.ParseAddr(host); err != nil || isIP == nil || n.looking[s] {
			continue
		}
		n.looking[s] = true
		self := n.c.self
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), lookupPatience)
			defer cancel()
			machines, err := lookup(ctx, "ip", host)
			self.Deliver(&lookedUp{s, machines, err})
		}()
	}
}

// lookedUp takes what a name stands for now. A name that cannot be looked up stands for what it did.
func (n *nameServers) lookedUp(ctx actor.Context, m *lookedUp) {
	delete(n.looking, m.server)
	if m.err != nil || len(m.machines) == 0 {
		n.c.env.Log.Debug("cannot look up name server", "cluster", n.c.Name, "name_server", m.server.Address, "error", m.err)
		return
	}
	for i, machine := range m.machines {
		m.machines[i] = machine.Unmap()
	}
	slices.SortFunc(m.machines, netip.Addr.Compare)
	if before := m.server.machines.Swap(&m.machines); before != nil && !slices.Equal(*before, m.machines) {
		n.c.env.Log.Info("name server has other addresses", "cluster", n.c.Name, "name_server", m.server.Address,
			"before", describeMachines(*before), "address", describeMachines(m.machines))
	}
	if pid := n.servers[m.server.Address]; pid != nil {
		ctx.Send(pid, &checkMachine{})
	}
}

func describeMachines(machines []netip.Addr) string {
	words := make([]string, 0, len(machines))
	for _, machine := range machines {
		words = append(words, machine.String())
	}
	return strings.Join(words, " ")
}

// leaveOldMachine asks again, where the name leads now, what the old machine has yet to answer.
func (n *nameserver) leaveOldMachine() {
	if n.sock == nil || n.known.standsFor(n.sock.Remote()) {
		return
	}
	waiting := n.waiting
	n.waiting = map[int32]pendingQuery{}
	n.close()
	for _, q := range waiting {
		q.cancel()
		n.query(q.asked)
	}
}
