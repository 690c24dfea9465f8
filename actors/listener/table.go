package listener

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/cluster"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// composed is the table by which a listener's requests are decided, and what it was made of.
type composed struct {
	of      *Listener // the revision
	changes uint64    // of its clusters, together
	table   *route.Table
}

// decisions is the present table. It is made anew when a cluster or the configuration has changed since it was made, by whoever
// asks first: nobody has to be told. A connection of a cluster that a reload has taken away is decided by that cluster's own.
func (l *Listener) decisions(of *cluster.Cluster) *route.Table {
	now, live := l.present(), l.live()
	changes := now.changes()
	if c := live.table.Load(); c != nil && c.of == now && c.changes == changes && now.Needs(of) {
		return c.table
	}
	if !now.Needs(of) {
		return of.Snapshot().Table()
	}
	table := now.compose()
	live.table.Store(&composed{now, changes, table})
	return table
}

// changes counts those of all clusters.
func (l *Listener) changes() (n uint64) {
	if l.Clusters == nil {
		return l.Cluster.Changes()
	}
	for _, c := range l.Clusters {
		n += c.Changes()
	}
	return n
}

// compose makes one table of those of the listener's clusters.
func (l *Listener) compose() *route.Table {
	own := l.Cluster.Snapshot().Table()
	routed := len(l.all()) > 1 || len(l.Lines) > 0
	if !routed && !l.OnePort {
		return own
	}
	t := *own
	if routed {
		t.Maintenance, t.Rules = l.maintenance(), l.rules()
	}
	if l.OnePort {
		t.OnePort = l.composeOnePort()
	}
	return &t
}

// rules are those of the listener's [[route]] tables.
func (l *Listener) rules() *route.Rules {
	names := []string{}
	for _, c := range l.all() {
		names = append(names, c.Name)
	}
	return route.NewRules(l.Cluster.Name, names, l.Lines, func(name string, metadata map[string]string) map[string]bool {
		if c := l.named(name); c != nil && c.Static() != nil {
			return c.Static().Agreeing(metadata)
		}
		return map[string]bool{} // name servers tell no metadata
	})
}

// maintenance is what of all clusters is not to be used: everything when all of them are in maintenance, else the brokers of
// those that are.
func (l *Listener) maintenance() (m route.Maintenance) {
	m.All = true
	for _, c := range l.all() {
		m.All = m.All && c.Snapshot().Table().Maintenance.All
	}
	for id, b := range l.unique() {
		if of := l.named(b.Cluster).Snapshot().Table().Maintenance; of.Covers(id.Name) {
			m.Brokers = append(m.Brokers, id.Name)
		}
	}
	for _, c := range l.all() {
		m.Entries = append(m.Entries, c.Snapshot().Table().Maintenance.Entries...)
	}
	return m
}
