package connection

import (
	"slices"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// routes are questions that clusters answer, until replies are made of what they say. What waits costs little: the clusters
// have the bodies anyway, of which replies are copies. A nil one is empty.
type routes struct {
	asked  []*question
	known  []*question        // all clusters have answered
	making *messages.Exchange // whose reply is being made
}

// question is one that has been put to one cluster or several.
type question struct {
	x       *messages.Exchange
	action  route.Action
	topic   string // of LocalTopicRoute
	parts   []route.Part
	replies []*messages.RouteReply // of each part; nil: not yet
	left    int                    // how many those are
}

// made notes that the reply to a request has been made.
func (r *routes) made(x *messages.Exchange) {
	if r != nil && r.making == x {
		r.making = nil
	}
}

// idle reports that nothing is asked, known or made.
func (r *routes) idle() bool { return len(r.asked)+len(r.known) == 0 && r.making == nil }

// askClusters asks for a topic's route, for the clusters' brokers, or for lists of topics.
func (c *connection) askClusters(ch *transport.Chunk, f *codec.Frame, v route.Verdict) {
	x := c.begin(f, nil)
	x.StandardJSON = f.Header.ExtString(ch.RawHeader(f), "acceptStandardJsonOnly") == "true"
	c.flight.asking++
	a := &question{x: x, action: v.Action, topic: v.Topic, parts: c.partsOf(v)}
	a.replies, a.left = make([]*messages.RouteReply, len(a.parts)), len(a.parts)
	if c.routes == nil {
		c.routes = &routes{}
	}
	c.routes.asked = append(c.routes.asked, a)
	q := messages.RouteQuery{X: x, Topic: v.Topic, Others: len(a.parts) > 1, To: c.ctx.Self()}
	switch v.Action {
	case route.LocalClusterInfo:
		q.Cluster = true
	case route.LocalTopicList, route.LocalClusterTopics:
		q.List = true
	default:
		q.ZoneName, q.ZoneMode = f.Header.ExtString(ch.RawHeader(f), "__ZONE_NAME"), f.Header.ExtString(ch.RawHeader(f), "__ZONE_MODE")
	}
	for i := range a.parts {
		c.askCluster(a.parts[i].Cluster, q)
	}
}

// partsOf are what a verdict asks for: of one cluster everything, unless it says otherwise.
func (c *connection) partsOf(v route.Verdict) []route.Part {
	if v.Lead == nil {
		return []route.Part{{Cluster: c.port.Cluster}}
	}
	return v.Lead.Parts
}

// askCluster asks one cluster. One that a reload has taken away meanwhile does not answer.
func (c *connection) askCluster(name string, q messages.RouteQuery) {
	if !c.toCluster(name, &q) {
		c.routeKnown(&messages.RouteReply{X: q.X, From: name, Code: codec.ResSystemError, Remark: "rocketmq-proxy: the route has changed; ask again"})
	}
}

// routeKnown: a cluster knows. When all do, a broker that has no port yet gets one before its address is given to the client.
func (c *connection) routeKnown(m *messages.RouteReply) {
	if m.X == nil {
		c.topicKnown(m)
		return
	}
	a := c.routes.questionOf(m.X)
	if a == nil || !a.take(m) {
		return
	}
	for i, reply := range a.replies {
		for _, b := range reply.Brokers {
			_, _, ok := c.port.Advertised(reply.From, b.BrokerID, c.out.sock.Local())
			if !ok && a.parts[i].Show(b.Name) != route.ShowNothing {
				c.ctx.Send(c.listener, &messages.OpenPorts{Brokers: reply.Brokers, Reply: m, To: c.ctx.Self()})
				return
			}
		}
	}
	c.routes.queue(a)
}

func (c *connection) portsOpened(m *messages.PortsOpened) {
	if a := c.routes.questionOf(m.Reply.X); a != nil {
		c.routes.queue(a)
	}
}

// questionOf is the question of a request that is asked now; nil: there is none.
func (r *routes) questionOf(x *messages.Exchange) *question {
	if r == nil {
		return nil
	}
	if i := slices.IndexFunc(r.asked, func(a *question) bool { return a.x == x }); i >= 0 {
		return r.asked[i]
	}
	return nil
}

// queue has a reply made of a question whose clusters have answered.
func (r *routes) queue(a *question) {
	r.asked = slices.DeleteFunc(r.asked, func(other *question) bool { return other == a })
	r.known = append(r.known, a)
}

// take notes a cluster's answer and reports whether it was the last.
func (a *question) take(m *messages.RouteReply) (last bool) {
	for i := range a.parts {
		if a.parts[i].Cluster == m.From && a.replies[i] == nil {
			a.replies[i] = m
			a.left--
			return a.left == 0
		}
	}
	return false
}

// answerRoutes makes replies one after another, as long as the client takes them.
func (c *connection) answerRoutes() {
	q := c.routes
	if q == nil {
		return
	}
	for len(q.known) > 0 && q.making == nil && c.out.replies() == 0 && !c.unread() {
		a := q.known[0]
		q.known = q.known[1:]
		c.flight.asking--
		if a.x.Actor != nil {
			q.making = a.x
			c.handed(a.x)
			code, remark, body := c.joined(a)
			c.reply(a.x, code, remark, body)
		}
	}
	if q.idle() {
		c.routes = nil
	}
}
