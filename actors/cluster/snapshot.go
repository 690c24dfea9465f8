package cluster

import (
	"maps"
	"slices"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// Snapshot is what is known of a cluster at one moment: its brokers, what of it is in maintenance, and the name servers
// that can be asked. It never changes; [Cluster.Snapshot] is the present one, and everybody may read it. Address and
// health of each [Broker] in it are present ones.
type Snapshot struct {
	brokers  map[route.BrokerID]*Broker
	table    *route.Table
	servers  []string // name servers, the one that answered last first
	answered time.Time
}

// Snapshot is what is known now.
func (c *Cluster) Snapshot() *Snapshot { return c.snapshot.Load() }

// update replaces the snapshot by a changed copy: its maps and lists are to be replaced, too, not written to.
func (c *Cluster) update(change func(s *Snapshot)) {
	c.updating.Lock()
	defer c.updating.Unlock()
	before := c.snapshot.Load()
	next := *before
	change(&next)
	c.snapshot.Store(&next)
	if next.table != before.table || !maps.Equal(next.brokers, before.brokers) {
		c.changes.Add(1)
	}
}

// Changes counts the changes of what decisions about requests depend on: the table, which brokers there are, and whether each
// of them is away. Who reads it before the snapshot never takes an old snapshot for the present one.
func (c *Cluster) Changes() uint64 { return c.changes.Load() }

// Answered is when a name server last answered; zero: never.
func (s *Snapshot) Answered() time.Time { return s.answered }

// Broker is what is known of a broker; nil: nothing.
func (s *Snapshot) Broker(id route.BrokerID) *Broker { return s.brokers[id] }

// Brokers lists all brokers, sorted. One that name servers no longer list keeps its last address.
func (s *Snapshot) Brokers() []*Broker {
	return slices.SortedFunc(maps.Values(s.brokers), func(a, b *Broker) int { return a.ID.Compare(b.ID) })
}

// NameServers are all of them, the one that answered last first.
func (s *Snapshot) NameServers() []string { return s.servers }

// first puts one name server before the others, if it is among them.
func (s *Snapshot) first(server string) {
	if i := slices.Index(s.servers, server); i > 0 {
		s.servers = append([]string{server}, slices.Delete(slices.Clone(s.servers), i, i+1)...)
	}
}

// turnTo replaces the name servers; of those that stay, the one that answered last goes first.
func (s *Snapshot) turnTo(servers []string) {
	before := s.servers
	s.servers = servers
	for _, server := range before {
		if slices.Contains(servers, server) {
			s.first(server)
			return
		}
	}
}
