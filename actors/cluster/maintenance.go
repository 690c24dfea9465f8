package cluster

import "slices"

// maintenance says what of a cluster is not to be used for now (cluster.maintenance, cluster.maintenance_brokers). A
// reload replaces it as a whole, and each request reads it.
type maintenance struct {
	all     bool
	brokers []string // names
}

// Maintain puts the whole cluster, or some of its brokers, into maintenance, and everything else back into service.
func (c *Cluster) Maintain(all bool, brokers []string) {
	c.update(func(s *Snapshot) { s.maintenance = maintenance{all, brokers} })
}

// Maintained tells whether requests for a broker are refused; "" asks for the cluster as a whole.
func (s *Snapshot) Maintained(broker string) bool {
	m := &s.maintenance
	return m.all || len(m.brokers) > 0 && slices.Contains(m.brokers, broker)
}
