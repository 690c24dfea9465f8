package connection

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// links are the connection's paths to its upstreams.
type links struct {
	solo link  // the only one of a port that stands for one broker, or for the name servers
	many *many // all those of a port that stands for all brokers; nil on other ports
}

// many are the links of a client of a one-port listener: one to each broker that it has something for, and one to a name
// server.
type many struct {
	list      []*far     // by number
	leading   *link      // which the client's frame that is under way goes to
	gathering *gathering // the request that is arriving and needed whole; nil: none
	client    route.Client
	sends     []send // of the request that is fanned out
	beat      beat
	head      []byte // of the answer to a push
	pushes    []push
	arrived   int64 // when the bytes that are decided were read, on the process clock
	look      alarm // for slow answers
	held      int   // bytes of answers that wait for others of their fan-out, or for their end
	epochs    int32 // that have begun, on all links
	pushed    int32 // requests of brokers that have come
	asking    int   // topics that clusters have been asked for
	crowded   bool  // a request waits for name servers
}

// far is one of several links.
type far struct {
	link
	broker    route.BrokerID // zero: it leads to name servers
	cluster   string
	to        messages.Destination
	gathering *gathering         // the answer to a part of a fan-out that is arriving
	part      *messages.Exchange // which
	sockets   int32              // there have been
	member    bool               // the broker has this client's heartbeat
}

// len is how many there are, and at is one of them, by its number.
func (ls *links) len() int {
	if ls.many != nil {
		return len(ls.many.list)
	}
	return 1
}

func (ls *links) at(number int) *link {
	if ls.many != nil {
		return &ls.many.list[number].link
	}
	return &ls.solo
}

// leading is the link that the client's frame under way goes to.
func (ls *links) leading() *link {
	if ls.many != nil {
		return ls.many.leading
	}
	return &ls.solo
}

// lead notes where the client's frame goes that is under way.
func (ls *links) lead(l *link) {
	if ls.many != nil {
		ls.many.leading = l
	}
}

// undecided notes that the request which was just decided will be decided again.
func (ls *links) undecided() {
	if ls.many != nil {
		ls.many.client.Undecided()
	}
}

// of is the link that an epoch belongs to; nil: the epoch is over.
func (ls *links) of(epoch int32) *link {
	for i := range ls.len() {
		if l := ls.at(i); l.epoch == epoch {
			return l
		}
	}
	return nil
}

// nextEpoch is the one that follows on a link.
func (ls *links) nextEpoch(l *link) int32 {
	m := ls.many
	if m == nil {
		return l.epoch + 1
	}
	m.epochs++
	m.list[l.number].sockets++
	return m.epochs
}

// sockets is how many a link has had.
func (ls *links) sockets(l *link) int32 {
	if ls.many != nil {
		return ls.many.list[l.number].sockets
	}
	return l.epoch
}

// broker is the one that a link leads to; "": it leads to name servers.
func (ls *links) broker(port *messages.Port, l *link) string {
	id := port.Broker
	if ls.many != nil {
		id = ls.many.list[l.number].broker
	}
	if id.Name == "" {
		return ""
	}
	return id.String()
}

// between reports that no upstream is in the middle of a frame.
func (ls *links) between() bool {
	for i := range ls.len() {
		if ls.at(i).continuation != boundary {
			return false
		}
	}
	return true
}

// know reports that nothing but answers can come for the requests in flight, of which there are n.
func (ls *links) know(n int) bool {
	if m := ls.many; m != nil {
		return m.asking == 0
	}
	return ls.solo.isUp() || n == 0
}

// release gives back what is expected of them, and the room for it.
func (ls *links) release() {
	for i := range ls.len() {
		l := ls.at(i)
		l.bulk.release()
		l.bulk = nil
	}
	if ls.many != nil {
		ls.many.client, ls.many.held = route.Client{}, 0
	}
}

// bytes is what is kept beside them, in memory.
func (ls *links) bytes() (n int) {
	for i := range ls.len() {
		n += ls.at(i).bulk.cost()
	}
	if ls.many != nil {
		n += ls.many.client.PoppedBytes() + ls.many.held
	}
	return n
}

// destination is where a link leads.
func (c *connection) destination(l *link) messages.Destination {
	if c.links.many == nil {
		return c.port.To
	}
	return c.links.many.list[l.number].to
}

// findAgain looks where a link leads now: a broker that has been forgotten meanwhile may be known again.
func (c *connection) findAgain(l *link) {
	if c.links.many == nil {
		return
	}
	f := c.links.many.list[l.number]
	if to, cluster, ok := c.port.FindBroker(f.broker); ok {
		f.to, f.cluster = to, cluster
	}
}

// linkOf is the link to the broker that a verdict names; nil: there is no such broker any more.
func (c *connection) linkOf(broker *route.BrokerID) *link {
	m := c.links.many
	if m == nil {
		return &c.links.solo
	}
	id := route.BrokerID{}
	if broker != nil {
		id = *broker
	}
	if l := c.findLink(id); l != nil {
		return l
	}
	return c.addLink(id, true)
}

// findLink is the link to a broker; nil: there is none.
func (c *connection) findLink(id route.BrokerID) *link {
	for _, f := range c.links.many.list {
		if f.broker == id {
			return &f.link
		}
	}
	return nil
}

// addLink makes a link to a broker, or with the zero id to name servers. It begins with the client's heartbeat, unless that
// comes next; else nothing is dialed yet.
func (c *connection) addLink(id route.BrokerID, replay bool) *link {
	f := c.newFar(id)
	if f == nil {
		return nil
	}
	var heartbeat []byte
	if replay {
		heartbeat = c.replayOn(&f.link)
	}
	c.startLink(&f.link, heartbeat, nil, "")
	return &f.link
}

// newFar makes a link that leads nowhere yet; nil: there is no such broker.
func (c *connection) newFar(id route.BrokerID) *far {
	f := &far{broker: id, cluster: c.port.Cluster, to: c.port.To}
	if id.Name != "" {
		var ok bool
		if f.to, f.cluster, ok = c.port.FindBroker(id); !ok {
			return nil
		}
	}
	m := c.links.many
	f.number = uint16(len(m.list))
	m.list = append(m.list, f)
	return f
}

// linkTo is the link to a broker; nil: there is none.
func (c *connection) linkTo(ref messages.BrokerRef) *link {
	m := c.links.many
	if m == nil {
		if c.serves(ref) {
			return &c.links.solo
		}
		return nil
	}
	for _, f := range m.list {
		if f.broker == ref.Broker && f.cluster == ref.Cluster {
			return &f.link
		}
	}
	return nil
}

// replayOn is the heartbeat that a link begins with; nil: none.
func (c *connection) replayOn(l *link) []byte {
	if m := c.links.many; m != nil && m.list[l.number].broker.Name == "" {
		return nil
	}
	return c.heartbeat.full
}
