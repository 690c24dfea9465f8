package connection

import (
	"net"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// told: the directory knows. A broker that has no port yet gets one before its address is given to the client.
func (c *connection) told(m *messages.RouteReply) {
	for _, b := range m.Brokers {
		if _, _, ok := c.port.Advertised(b.BrokerID, c.sock.Local()); !ok {
			c.ctx.Send(c.listener, &messages.OpenPorts{Brokers: m.Brokers, Reply: m, To: c.ctx.Self()})
			return
		}
	}
	c.queueRoute(m)
}

func (c *connection) placed(m *messages.PortsOpened) { c.queueRoute(m.Reply) }

// routes are what the directory told, until answers are made of it. What waits costs little: the directory has its
// bodies anyway, of which answers are copies.
type routes struct {
	told   []*messages.RouteReply
	making *messages.Exchange // whose answer is being made
}

func (c *connection) queueRoute(m *messages.RouteReply) {
	if c.routes == nil {
		c.routes = &routes{}
	}
	c.routes.told = append(c.routes.told, m)
	c.answerRoutes()
}

// answerRoutes makes answers one after another, as long as the client takes them.
func (c *connection) answerRoutes() {
	q := c.routes
	if q == nil {
		return
	}
	for len(q.told) > 0 && q.making == nil && len(c.hold) == 0 && !c.unread() {
		m := q.told[0]
		q.told = q.told[1:]
		c.asking--
		if m.X.Actor != nil {
			q.making = m.X
			c.answerRoute(m)
		}
	}
	if len(q.told) == 0 && q.making == nil {
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
	c.fail(m.X, code, remark, body)
}

// readdress puts our addresses in the place of the brokers'.
func (c *connection) readdress(m *messages.RouteReply) ([]byte, error) {
	local := c.sock.Local()
	place := func(b route.BrokerID) (string, bool) {
		host, port, ok := c.port.Advertised(b, local)
		return net.JoinHostPort(host, strconv.Itoa(port)), ok
	}
	if m.Cluster {
		return rewrite.ClusterInfo(m.Body, place)
	}
	return rewrite.TopicRoute(m.Body, rewrite.DialectFor(m.X.Header.Version, m.X.StandardJSON), place)
}
