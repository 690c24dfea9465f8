package connection

import (
	"net"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// routeKnown: the cluster knows. A broker that has no port yet gets one before its address is given to the client.
func (c *connection) routeKnown(m *messages.RouteReply) {
	if m.X == nil {
		c.topicKnown(m)
		return
	}
	for _, b := range m.Brokers {
		if _, _, ok := c.port.Advertised(m.From, b.BrokerID, c.out.sock.Local()); !ok {
			c.ctx.Send(c.listener, &messages.OpenPorts{Brokers: m.Brokers, Reply: m, To: c.ctx.Self()})
			return
		}
	}
	c.queueRoute(m)
}

func (c *connection) portsOpened(m *messages.PortsOpened) { c.queueRoute(m.Reply) }

// routes are what the cluster has answered, until replies are made of it. What waits costs little: the cluster has its bodies
// anyway, of which replies are copies. A nil one is empty.
type routes struct {
	known  []*messages.RouteReply
	making *messages.Exchange // whose reply is being made
}

// made notes that the reply to a request has been made.
func (r *routes) made(x *messages.Exchange) {
	if r != nil && r.making == x {
		r.making = nil
	}
}

// askCluster asks for a topic's route, or for the cluster's brokers.
func (c *connection) askCluster(ch *transport.Chunk, f *codec.Frame, v route.Verdict) {
	x := c.begin(f, nil)
	x.StandardJSON = f.Header.ExtString(ch.RawHeader(f), "acceptStandardJsonOnly") == "true"
	c.flight.asking++
	q := &messages.RouteQuery{X: x, Topic: v.Topic, Cluster: v.Action == route.LocalClusterInfo, To: c.ctx.Self()}
	if !q.Cluster {
		q.ZoneName, q.ZoneMode = f.Header.ExtString(ch.RawHeader(f), "__ZONE_NAME"), f.Header.ExtString(ch.RawHeader(f), "__ZONE_MODE")
	}
	c.toCluster(q)
}

func (c *connection) queueRoute(m *messages.RouteReply) {
	if c.routes == nil {
		c.routes = &routes{}
	}
	c.routes.known = append(c.routes.known, m)
}

// answerRoutes makes replies one after another, as long as the client takes them.
func (c *connection) answerRoutes() {
	q := c.routes
	if q == nil {
		return
	}
	for len(q.known) > 0 && q.making == nil && c.out.replies() == 0 && !c.unread() {
		m := q.known[0]
		q.known = q.known[1:]
		c.flight.asking--
		if m.X.Actor != nil {
			q.making = m.X
			c.answerRoute(m)
		}
	}
	if len(q.known) == 0 && q.making == nil {
		c.routes = nil
	}
}

func (c *connection) answerRoute(m *messages.RouteReply) {
	c.handed(m.X)
	body, code, remark := m.Body, m.Code, m.Remark
	if code == codec.ResSuccess && len(body) > 0 {
		var err error
		if body, err = c.readdress(m); err != nil {
			code, remark, body = codec.ResSystemError, "rocketmq-proxy: cannot read the name server's answer: "+err.Error(), nil
		}
	}
	c.reply(m.X, code, remark, body)
}

// readdress puts our addresses in the place of the brokers'.
func (c *connection) readdress(m *messages.RouteReply) ([]byte, error) {
	local := c.out.sock.Local()
	place := func(b route.BrokerID) (string, bool) {
		host, port, ok := c.port.Advertised(m.From, b, local)
		return net.JoinHostPort(host, strconv.Itoa(port)), ok
	}
	if m.Cluster {
		return rewrite.ClusterInfo(m.Body, place)
	}
	return rewrite.TopicRoute(m.Body, rewrite.DialectFor(m.X.Header.Version, m.X.StandardJSON), place)
}
