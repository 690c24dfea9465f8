package connection

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// request has route.Decide say what happens to a request, carries that out, and says what becomes of its bytes.
func (c *connection) request(t *route.Table, ch *transport.Chunk, f *codec.Frame) continuation {
	at := route.Arrival{NameServer: c.port.Role == messages.NameServerPort, Broker: c.port.Broker, GoAway: c.life.sendsAway()}
	v := route.Decide(t, at, &f.Header, ch.RawHeader(f))
	if v.Reason == route.InMaintenance {
		c.samples.add(messages.Sample{Kind: messages.MaintenanceRejected})
	}
	if v.Action == route.Relay {
		c.watchMembership(ch, f)
		if l := &c.links.solo; c.paused(l) {
			return c.whilePaused(ch, f, l)
		}
		c.noteRoutes(f.Header.Code)
	}
	switch {
	case !f.Header.ExpectsResponse(): // an answer could not be told from others
		c.samples.add(messages.Sample{Kind: messages.OnewayRead, Code: f.Header.Code})
	case v.Action == route.Relay:
		x := c.beginRelay(ch, f, &c.links.solo)
		c.expect(&c.links.solo, x)
	case v.Action == route.Refuse:
		c.reply(c.begin(f, nil), v.Code, v.Remark, nil)
	case v.Action == route.LocalTopicList:
		c.reply(c.begin(f, nil), codec.ResSuccess, "", rewrite.TopicList(t.Static.Topics()))
	case v.Action == route.LocalClusterTopics:
		c.reply(c.begin(f, nil), codec.ResSuccess, "", rewrite.TopicList(t.Static.Of(v.Topic).Topics()))
	default:
		c.askCluster(ch, f, v)
	}
	if v.Action == route.Relay {
		return relay
	}
	return drop
}

// beginRelay begins a request that goes, or will go, to the upstream.
func (c *connection) beginRelay(ch *transport.Chunk, f *codec.Frame, l *link) *messages.Exchange {
	x := c.begin(f, l)
	if offset, ok := route.AskedOffset(&f.Header, ch.RawHeader(f)); ok {
		x.AskedOffset = offset
	}
	return x
}

// noteRoutes has the cluster know that a request goes out which changes routes.
func (c *connection) noteRoutes(code int32) {
	if route.ChangesRoutes(code) {
		c.toCluster(&messages.RoutesChanged{})
	}
}
