package actors

import (
	"net"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// told: the directory knows. A broker that has no port yet gets one before its address is given to the client.
func (c *connection) told(m *messages.Told) {
	for _, b := range m.Brokers {
		if _, _, ok := c.port.Advertised(b.BrokerID, c.sock.Local()); !ok {
			c.ctx.Send(c.listener, &messages.Place{Brokers: m.Brokers, Told: m, To: c.ctx.Self()})
			return
		}
	}
	c.answerRoute(m)
}

func (c *connection) placed(m *messages.Placed) { c.answerRoute(m.Told) }

func (c *connection) answerRoute(m *messages.Told) {
	c.asking--
	if m.X.Actor == nil {
		return
	}
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
func (c *connection) readdress(m *messages.Told) ([]byte, error) {
	local := c.sock.Local()
	place := func(b route.BrokerID) (string, bool) {
		host, port, ok := c.port.Advertised(b, local)
		return net.JoinHostPort(host, strconv.Itoa(port)), ok
	}
	if m.Cluster {
		return route.RewriteCluster(m.Body, place)
	}
	return route.RewriteTopicRoute(m.Body, route.DialectFor(m.X.Header.Version, m.X.StandardJSON), place)
}
