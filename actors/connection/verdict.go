package connection

import (
	"fmt"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// request carries out what is decided about a request, and says what becomes of its bytes.
func (c *connection) request(ch *transport.Chunk, f *codec.Frame) continuation {
	if c.life.sendsAway() && c.sendAway(f) {
		return drop
	}
	if c.port.Maintained != nil && c.port.Maintained() {
		return c.refuse(f)
	}
	action := route.OnBrokerPort(f.Header.Code)
	if c.port.Role == messages.NameServerPort {
		action = route.OnNameServerPort(f.Header.Code)
	}
	switch {
	case action == route.Relay:
		c.watchMembership(ch, f)
		if f.Header.IsOneway() {
			c.samples.add(messages.Sample{Kind: messages.OnewayRead, Code: f.Header.Code})
			return relay
		}
		c.begin(f, "").Relayed = true
		return relay
	case f.Header.IsOneway(): // nobody waits for what we would answer
		c.samples.add(messages.Sample{Kind: messages.OnewayRead, Code: f.Header.Code})
	case action == route.RefuseRegistration:
		c.reply(c.begin(f, ""), codec.ResNoPermission, route.RefusalRemark(f.Header.Code), nil)
	default:
		c.askCluster(ch, f, action)
	}
	return drop
}

const goAwayRemark = "rocketmq-proxy: this proxy is going away; connect again to the same address"

// sendAway answers 1500 to those who understand it. A client of 5.3.2 or later then opens a new connection to the same
// address, repeats the request there, and closes this one when its last answer has come (PROTOCOL.md I.3). Others
// would see an unknown code and fail, and a oneway request that is not forwarded is lost without a trace.
func (c *connection) sendAway(f *codec.Frame) bool {
	if f.Header.Version <= codec.Version5_3_1 || f.Header.IsOneway() {
		return false
	}
	c.reply(c.begin(f, ""), codec.ResGoAway, goAwayRemark, nil)
	return true
}

// refuse answers a request that meets maintenance as if its broker were away: producers try another one at once, pulls
// come again after a second. A oneway request goes nowhere, as it would then.
func (c *connection) refuse(f *codec.Frame) continuation {
	c.samples.add(messages.Sample{Kind: messages.MaintenanceRefused})
	if f.Header.IsOneway() {
		c.samples.add(messages.Sample{Kind: messages.OnewayRead, Code: f.Header.Code})
		return drop
	}
	what := "this cluster"
	if c.port.Role != messages.NameServerPort {
		what = fmt.Sprintf("broker %s, or its cluster,", c.port.Broker)
	}
	c.reply(c.begin(f, ""), codec.ResServiceNotAvailable, "rocketmq-proxy: "+what+" is in maintenance (cluster.maintenance, cluster.maintenance_brokers)", nil)
	return drop
}
