package connection

import (
	"net"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// joined makes one answer of those of all clusters: what some have found, else why the others have not. That there is no such
// topic (17), which makes producers create it, is said only when all say so.
func (c *connection) joined(a *question) (code int32, remark string, body []byte) {
	var bodies [][]byte
	worst := a.replies[0]
	for i, m := range a.replies {
		if m.Code != codec.ResSuccess {
			if worst.Code == codec.ResSuccess || worst.Code == codec.ResTopicNotExist {
				worst = m
			}
			continue
		}
		body, err := c.readdress(a, i)
		if err != nil {
			worst = &messages.RouteReply{Code: codec.ResSystemError, Remark: "rocketmq-proxy: cannot read the name server's answer: " + err.Error()}
			continue
		}
		if len(body) > 0 || len(a.replies) == 1 {
			bodies = append(bodies, body)
		}
	}
	switch {
	case len(bodies) == 0:
		return worst.Code, worst.Remark, nil
	case len(bodies) == 1:
		return codec.ResSuccess, "", bodies[0]
	}
	body, err := merge(a.action, bodies)
	if err != nil {
		return codec.ResSystemError, "rocketmq-proxy: cannot join the answers of several clusters: " + err.Error(), nil
	}
	return codec.ResSuccess, "", body
}

func merge(action route.Action, bodies [][]byte) ([]byte, error) {
	if action == route.LocalTopicList || action == route.LocalClusterTopics {
		return rewrite.MergeTopicLists(bodies...)
	}
	return rewrite.Merge(bodies...)
}

// readdress puts our addresses in the place of the brokers' in a cluster's answer, and leaves out what is not to be shown.
func (c *connection) readdress(a *question, i int) ([]byte, error) {
	m, part, local := a.replies[i], &a.parts[i], c.out.sock.Local()
	maintenance := &c.port.Table().Maintenance
	place := func(b route.BrokerID) (string, route.Show) {
		host, port, ok := c.port.Advertised(m.From, b, local)
		if !ok {
			return "", route.ShowNothing
		}
		show := part.Show(b.Name)
		if !m.Cluster { // tools see all brokers
			show = max(show, maintenance.Show(m.From, b.Name, a.topic))
		}
		return net.JoinHostPort(host, strconv.Itoa(port)), show
	}
	switch {
	case len(m.Body) == 0 || m.List:
		return m.Body, nil
	case m.Cluster:
		return rewrite.ClusterInfo(m.Body, place)
	}
	return rewrite.TopicRoute(m.Body, rewrite.DialectFor(m.X.Header.Version, m.X.StandardJSON), place)
}
