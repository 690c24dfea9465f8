package connection

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// request has route.Decide say what happens to a request, carries that out, and says what becomes of its bytes, and which
// link they go to.
func (c *connection) request(t *route.Table, ch *transport.Chunk, f *codec.Frame) (continuation, *link) {
	v := route.Decide(t, c.arrival(ch, f), &f.Header, ch.RawHeader(f))
	if v.Reason == route.InMaintenance {
		c.samples.add(messages.Sample{Kind: messages.MaintenanceRejected})
	}
	switch {
	case v.Action == route.Relay && v.Edit != nil:
		return c.relayEdited(c.linkOf(v.Broker), v.Edit, ch, f)
	case v.Action == route.Relay:
		return c.relayTo(c.linkOf(v.Broker), ch, f)
	case v.Action == route.FanOutTo:
		return c.fanOut(v.FanOut, ch, f), nil
	case v.Action == route.AskTopics:
		c.askTopics(*v.Ask)
		return undecided, nil
	case v.Action == route.Refuse:
		c.refuse(f, v.Code, v.Remark)
	case !f.Header.ExpectsResponse(): // an answer could not be told from others
		c.samples.add(messages.Sample{Kind: messages.OnewayRead, Code: f.Header.Code})
	default:
		c.askClusters(ch, f, v)
	}
	return drop, nil
}

// relayTo passes a request on to a link; nil: its broker has been forgotten a moment ago.
func (c *connection) relayTo(l *link, ch *transport.Chunk, f *codec.Frame) (continuation, *link) {
	switch {
	case l == nil:
		c.refuse(f, codec.ResServiceNotAvailable, "rocketmq-proxy: the broker is no longer known")
		return drop, nil
	case c.exceeds(l, &f.Header) || c.manyQueries(l) || c.delays(ch, f):
		return undecided, nil
	}
	pass, what, over := c.overLimit(ch, f, l)
	if over {
		return what, l
	}
	c.watchMembership(ch, f)
	if c.paused(l) {
		pass.End()
		return c.whilePaused(ch, f, l), l
	}
	c.noteRoutes(f.Header.Code, l)
	if !f.Header.ExpectsResponse() {
		c.samples.add(messages.Sample{Kind: messages.OnewayRead, Code: f.Header.Code})
		return relay, l
	}
	x := c.beginRelay(ch, f, l)
	x.Pass = pass
	c.expect(l, x)
	c.dueBy(x.Arrived + int64(c.answerWithin(f.Header.Code)))
	return relay, l
}

// refuse answers a request that goes nowhere. A oneway one is dropped.
func (c *connection) refuse(f *codec.Frame, code int32, remark string) {
	switch {
	case f.Header.ExpectsResponse():
		c.reply(c.begin(f, nil), code, remark, nil)
	case c.links.many != nil:
		c.samples.add(messages.Sample{Kind: messages.RequestRead, Code: f.Header.Code})
		c.samples.add(messages.Sample{Kind: messages.RequestAbandoned, Code: f.Header.Code})
	default:
		c.samples.add(messages.Sample{Kind: messages.OnewayRead, Code: f.Header.Code})
	}
}

// beginRelay begins a request that goes, or will go, to the upstream.
func (c *connection) beginRelay(ch *transport.Chunk, f *codec.Frame, l *link) *messages.Exchange {
	x := c.begin(f, l)
	if offset, ok := route.AskedOffset(&f.Header, ch.RawHeader(f)); ok {
		x.AskedOffset = offset
	}
	c.notePop(x, ch, f, l)
	return x
}

// noteRoutes has the cluster that a link leads to know that a request goes there which changes routes.
func (c *connection) noteRoutes(code int32, l *link) {
	if route.ChangesRoutes(code) {
		c.toCluster(c.clusterOf(l), &messages.RoutesChanged{})
	}
}
