package cluster

import (
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// View is what a directory has learned, for everyone to look at: immutable snapshots that its actor replaces. It
// outlives the actor, so a crash forgets nothing.
type View struct{ p atomic.Pointer[snapshot] }

type snapshot struct {
	brokers  map[route.BrokerID]route.Broker
	servers  []string // name servers, the one that answered last first
	answered time.Time
}

func newView(servers []string) *View {
	v := &View{}
	v.p.Store(&snapshot{brokers: map[route.BrokerID]route.Broker{}, servers: servers})
	return v
}

// Answered is when a name server last answered; zero: never.
func (v *View) Answered() time.Time { return v.p.Load().answered }

// Brokers lists all brokers, sorted. One that has left its name servers keeps its last address.
func (v *View) Brokers() []route.Broker {
	return slices.SortedFunc(maps.Values(v.p.Load().brokers), func(a, b route.Broker) int { return a.BrokerID.Compare(b.BrokerID) })
}

// Address is where a broker was last seen.
func (v *View) Address(b route.BrokerID) (string, bool) {
	broker, ok := v.p.Load().brokers[b]
	return broker.Address, ok
}

// NameServer is the one to try on the given attempt, counted from 0.
func (v *View) NameServer(attempt int) (string, bool) {
	servers := v.p.Load().servers
	if len(servers) == 0 {
		return "", false
	}
	return servers[attempt%len(servers)], true
}

// turnTo replaces the name servers; of those that stay, the one that answered last goes first.
func (v *View) turnTo(servers []string) {
	next := *v.p.Load()
	for _, s := range next.servers {
		if i := slices.Index(servers, s); i >= 0 {
			servers = append([]string{s}, slices.Delete(slices.Clone(servers), i, i+1)...)
			break
		}
	}
	next.servers = servers
	v.p.Store(&next)
}

// NameServers are all of them, the one that answered last first.
func (v *View) NameServers() []string { return v.p.Load().servers }

// Serves reports that a name server is one of them.
func (v *View) Serves(address string) bool { return slices.Contains(v.p.Load().servers, address) }

// learn merges brokers and notes who answered. It reports whether a broker or an address is new.
func (v *View) learn(server string, brokers []route.Broker) (changed bool) {
	old := v.p.Load()
	next := &snapshot{brokers: old.brokers, servers: old.servers, answered: time.Now()}
	for _, b := range brokers {
		if next.brokers[b.BrokerID] == b {
			continue
		}
		if !changed {
			changed = true
			next.brokers = maps.Clone(old.brokers)
		}
		next.brokers[b.BrokerID] = b
	}
	if i := slices.Index(old.servers, server); i > 0 {
		next.servers = append([]string{server}, slices.Delete(slices.Clone(old.servers), i, i+1)...)
	}
	v.p.Store(next)
	return changed
}
