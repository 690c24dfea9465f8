package connection

import (
	"fmt"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

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
