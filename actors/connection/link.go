package connection

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// link is the connection's path to a broker or name server, which an upstream actor keeps.
type link struct {
	upstream     system.Sink         // zero: none was needed yet
	address      string              // where it is connected to, or was last
	hosts        *rewrite.StoreHosts // in the body that goes on in a later chunk; nil: it stays as it is
	bulk         *bulk               // requests whose answers may be large; nil: there were none
	confirmed    confirmation
	epoch        int32  // of the upstream; no other link of the connection has the same
	number       uint16 // among the links of the connection
	state        linkState
	continuation continuation // of the frame that the upstream is sending
}

type linkState uint8

const (
	connecting linkState = iota // or at rest, until there is something to send
	up
	retired // up, but to an address that is to be left (retire.go)
)

func (l *link) exists() bool { return l.upstream.PID != nil }

func (l *link) isUp() bool { return l.state != connecting }

// opened notes that the upstream is connected.
func (l *link) opened(m *messages.Opened) {
	l.state, l.address = up, m.Upstream
}

// down notes that the upstream is no longer connected.
func (l *link) down(address string) { l.state, l.address = connecting, address }

// end notes that the frame under way has ended, or will never.
func (l *link) end() {
	l.continuation = boundary
	if l.hosts != nil {
		storeHosts.Put(l.hosts)
		l.hosts = nil
	}
}

// startLink starts a link's upstream; with a socket of another process it goes on with that.
func (c *connection) startLink(l *link, heartbeat []byte, sock transport.Conn, address string) {
	l.upstream = system.NewSink(c.env.System, c.ctx.SpawnPrefix(c.upstreams, "upstream"))
	c.resume(l, &messages.Resume{Heartbeat: heartbeat, Sock: sock, Address: address})
}

// resume begins an epoch of a link; m says how.
func (c *connection) resume(l *link, m *messages.Resume) {
	c.findAgain(l)
	l.epoch = c.links.nextEpoch(l)
	m.Port, m.To, m.Client, m.Epoch = c.port, c.destination(l), c.out.sock, l.epoch
	l.upstream.Deliver(m)
}

// opened: what waited for the upstream is on its way.
func (c *connection) opened(m *messages.Opened) {
	l := c.links.of(m.Epoch)
	if l == nil {
		return
	}
	l.opened(m)
	if many := c.links.many; many != nil {
		if !m.Adopted {
			many.list[l.number].member = m.Replayed
		}
		c.linked()
	}
	if c.life.resetOnLoss { // the broker has lost this connection only
		c.life.abort()
		return
	}
	c.samples.add(messages.Sample{Kind: messages.UpstreamOpened})
	if m.Replayed {
		c.heartbeat.replayed = true
		c.samples.add(messages.Sample{Kind: messages.HeartbeatReplayed})
	}
	l.bulk.begin(c.env.Now())
	for x := range c.flight.table.all() {
		if x.Relayed && x.Link == l.number {
			c.handed(x)
		}
	}
}
