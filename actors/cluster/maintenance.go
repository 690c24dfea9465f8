package cluster

import "github.com/rocketmq-proxy/rocketmq-proxy/route"

// Maintain puts the whole cluster, or some of its brokers, into maintenance, and everything else back into service
// (cluster.maintenance, cluster.maintenance_brokers).
func (c *Cluster) Maintain(all bool, brokers []string) {
	c.update(func(s *Snapshot) { s.table = &route.Table{Maintenance: route.Maintenance{All: all, Brokers: brokers}} })
}

// Table is what is decided by about requests for the cluster.
func (s *Snapshot) Table() *route.Table { return s.table }
