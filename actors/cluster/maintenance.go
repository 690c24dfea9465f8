package cluster

import "slices"

// maintenance says what of a cluster is not to be used for now (cluster.maintenance, cluster.maintenance_brokers). It is
// replaced as a whole by a reload, and read with each request.
type maintenance struct {
	all     bool
	brokers []string // names
}

// Maintain puts the whole cluster, or some of its brokers, into maintenance, and everything else back into service.
func (d *Cluster) Maintain(all bool, brokers []string) {
	if !all && len(brokers) == 0 {
		d.maintenance.Store(nil)
		return
	}
	d.maintenance.Store(&maintenance{all, brokers})
}

// Maintained tells whether requests for a broker are refused; "" asks for the cluster as a whole.
func (d *Cluster) Maintained(broker string) bool {
	m := d.maintenance.Load()
	return m != nil && (m.all || slices.Contains(m.brokers, broker))
}
