package cluster

import "github.com/rocketmq-proxy/rocketmq-proxy/route"

// Maintain puts the whole cluster, or some of its brokers, into maintenance, and everything else back into service
// (cluster.maintenance, cluster.maintenance_brokers).
func (c *Cluster) Maintain(all bool, brokers []string) {
	c.change(func(t *route.Table) { t.Maintenance.All, t.Maintenance.Brokers = all, brokers })
}

// MaintainParts says what of the cluster is in maintenance by itself ([[maintenance]], /api/v1/maintenance).
func (c *Cluster) MaintainParts(entries []route.Maintained) {
	c.change(func(t *route.Table) { t.Maintenance.Entries = entries })
}

// Table is what is decided by about requests for the cluster.
func (s *Snapshot) Table() *route.Table { return s.table }

// change replaces the table by a changed copy.
func (c *Cluster) change(change func(t *route.Table)) {
	c.update(func(s *Snapshot) {
		next := *s.table
		change(&next)
		s.table = &next
	})
}
