package actors

import (
	"fmt"
	"slices"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// maintenance says what of a cluster is not to be used for now (cluster.maintenance, cluster.maintenance_brokers). It is
// replaced as a whole by a reload, and read with each request.
type maintenance struct {
	all     bool
	brokers []string // names
}

// Maintain puts the whole cluster, or some of its brokers, into maintenance, and everything else back into service.
func (d *Directory) Maintain(all bool, brokers []string) {
	if !all && len(brokers) == 0 {
		d.maintenance.Store(nil)
		return
	}
	d.maintenance.Store(&maintenance{all, brokers})
}

// Maintained tells whether requests for a broker are refused; "" asks for the cluster as a whole.
func (d *Directory) Maintained(broker string) bool {
	m := d.maintenance.Load()
	return m != nil && (m.all || slices.Contains(m.brokers, broker))
}

// refuse answers a request that meets maintenance as if its broker were away: producers try another one at once, pulls
// come again after a second. A oneway request goes nowhere, as it would then.
func (c *connection) refuse(f *codec.Frame) bodyFate {
	c.sample(messages.Sample{Kind: messages.MaintenanceRefused})
	if f.Header.IsOneway() {
		c.sample(messages.Sample{Kind: messages.OnewayRead, Code: f.Header.Code})
		return drop
	}
	what := "this cluster"
	if c.port.Role != messages.NameServerPort {
		what = fmt.Sprintf("broker %s, or its cluster,", c.port.Broker)
	}
	c.fail(c.begin(f, ""), codec.ResServiceNotAvailable, "rocketmq-proxy: "+what+" is in maintenance (cluster.maintenance, cluster.maintenance_brokers)", nil)
	return drop
}
