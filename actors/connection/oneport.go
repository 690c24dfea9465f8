package connection

import (
	"slices"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// On a one-port listener route.Decide says by what a request holds which link it goes to. It may have to see all of the
// request first (gather), or to know which brokers have a topic (askTopics); what the client sends meanwhile waits.

// arrival is where a request arrives, as decisions see it.
func (c *connection) arrival(ch *transport.Chunk, f *codec.Frame) route.Arrival {
	at := route.Arrival{
		NameServer: c.port.Role == messages.NameServerPort, Broker: c.port.Broker, Cluster: c.port.Cluster,
		GoAway: c.life.sendsAway(), Now: c.lastTraffic,
	}
	if m := c.links.many; m != nil {
		at.OnePort, at.Client = true, &m.client
		m.client.Body, m.client.ID = nil, c.heartbeat.clientID
		if route.NeedsBody(f.Header.Code) {
			m.client.Body = ch.Body(f)
		}
	}
	return at
}

// gathering is a frame that arrives in pieces and is needed whole.
type gathering struct {
	frame    []byte // grows with what comes, not by what the length claims
	size     int    // of the whole
	header   codec.Header
	body     int // where it begins
	reserved int // bytes of the budget
}

// needsGathering reports whether a request must have arrived whole before it is decided, and has not.
func (c *connection) needsGathering(ch *transport.Chunk, f *codec.Frame) bool {
	return c.links.many != nil && f.End > len(ch.B) && route.NeedsBody(f.Header.Code)
}

// gather begins to wait for the rest of a request. One that is too large, or for which there is no memory, is refused.
func (c *connection) gather(ch *transport.Chunk, f *codec.Frame) continuation {
	size := f.End - f.Off
	if size-(f.BodyOff-f.Off) > route.MaxBody {
		c.refuse(f, codec.ResSystemError, "rocketmq-proxy: the body is larger than 1 MiB, and a listener with one port for all brokers has to read it")
		return drop
	}
	if !c.env.Transport.Reserve(size) {
		c.refuse(f, codec.ResSystemBusy, "rocketmq-proxy: no memory for the body (limits.memory)")
		return drop
	}
	c.links.many.gathering = &gathering{
		frame: slices.Clone(ch.B[f.Off:]), size: size, header: f.Header, body: f.BodyOff - f.Off, reserved: size,
	}
	return gathered
}

// gatherMore takes bytes that follow, and returns the request when it is whole.
func (c *connection) gatherMore(b []byte) *transport.Chunk {
	m := c.links.many
	if m == nil || m.gathering == nil {
		return nil
	}
	g := m.gathering
	if g.frame = append(g.frame, b...); len(g.frame) < g.size {
		return nil
	}
	c.dropGathering()
	return transport.WholeFrame(g.frame, &g.header, g.body)
}

func (c *connection) dropGathering() {
	if m := c.links.many; m != nil && m.gathering != nil {
		c.env.Transport.Release(m.gathering.reserved)
		m.gathering = nil
	}
}

// askTopics asks the clusters which brokers have some topics. The request is decided again when all have answered.
func (c *connection) askTopics(keys []route.TopicKey) {
	m := c.links.many
	for _, key := range keys {
		if c.toCluster(key.Cluster, &messages.RouteQuery{Topic: key.Topic, To: c.ctx.Self()}) {
			m.asking++
		} else {
			m.client.Learn(key, route.Topic{Unknown: true})
		}
	}
}

// topicKnown takes what a cluster says of a topic.
func (c *connection) topicKnown(m *messages.RouteReply) {
	many := c.links.many
	if many == nil {
		return
	}
	many.asking--
	many.client.Now = c.env.Now()
	many.client.Learn(route.TopicKey{Cluster: m.From, Topic: m.Topic}, topicOf(m))
}

// topicOf is what decisions need of a route.
func topicOf(m *messages.RouteReply) route.Topic {
	switch {
	case m.Code == codec.ResTopicNotExist:
		return route.Topic{}
	case m.Code != codec.ResSuccess:
		return route.Topic{Unknown: true}
	}
	topic, err := rewrite.Topic(m.Body)
	if err != nil {
		return route.Topic{Unknown: true}
	}
	return topic
}

// linked tells decisions which links are open.
func (c *connection) linked() {
	m := c.links.many
	if m == nil {
		return
	}
	m.client.Linked, m.client.Member = m.client.Linked[:0], m.client.Member[:0]
	for _, f := range m.list {
		if f.broker.Name == "" || !f.isUp() {
			continue
		}
		m.client.Linked = append(m.client.Linked, f.broker)
		if f.member {
			m.client.Member = append(m.client.Member, f.broker)
		}
	}
}

// manyQueries reports whether a client's requests to name servers have to wait for those before them.
func (c *connection) manyQueries(l *link) bool {
	m := c.links.many
	if m == nil || m.list[l.number].broker.Name != "" {
		return false
	}
	m.crowded = c.flight.handedTo(l.number)+int(c.flight.waiting) >= maxClusterQueries
	return m.crowded
}

// onePortWaits reports that something of the client has to wait for the clusters or the name servers.
func (c *connection) onePortWaits() bool {
	m := c.links.many
	if m == nil {
		return false
	}
	if m.crowded {
		l := c.findLink(route.BrokerID{})
		m.crowded = l != nil && c.manyQueries(l)
	}
	return m.held > mostExpected || m.asking > 0 || m.crowded || c.flight.asking >= maxClusterQueries
}
