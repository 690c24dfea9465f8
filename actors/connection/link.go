package connection

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// link is the connection's path to its broker or name server, which an upstream actor keeps.
type link struct {
	upstream     system.Sink         // zero: none was needed yet
	address      string              // where it is connected to, or was last
	hosts        *rewrite.StoreHosts // in the body that goes on in a later chunk; nil: it stays as it is
	epoch        int32               // of the upstream
	state        linkState
	replayed     bool         // the client's heartbeat was, and the client has sent none since
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
	l.state, l.address, l.replayed = up, m.Upstream, l.replayed || m.Replayed
}

// down notes that the upstream is no longer connected.
func (l *link) down(address string) { l.state, l.address = connecting, address }

// takeReplayed reports once that the client's heartbeat was replayed.
func (l *link) takeReplayed() bool {
	was := l.replayed
	l.replayed = false
	return was
}

// end notes that the frame under way has ended, or will never.
func (l *link) end() {
	l.continuation = boundary
	if l.hosts != nil {
		storeHosts.Put(l.hosts)
		l.hosts = nil
	}
}

// startLink starts the upstream's actor; with a socket of another process it goes on with that.
func (c *connection) startLink(heartbeat []byte, sock transport.Conn, address string) {
	c.link.upstream = system.NewSink(c.env.System, c.ctx.SpawnPrefix(c.upstreams, "upstream"))
	c.resume(&messages.Resume{Heartbeat: heartbeat, Sock: sock, Address: address})
}

// resume begins an epoch; m says how.
func (c *connection) resume(m *messages.Resume) {
	c.link.epoch++
	m.Port, m.To, m.Client, m.Epoch = c.port, c.port.To, c.out.sock, c.link.epoch
	c.link.upstream.Deliver(m)
}

// opened: what waited for the upstream is on its way.
func (c *connection) opened(m *messages.Opened) {
	if m.Epoch != c.link.epoch {
		return
	}
	c.link.opened(m)
	if c.life.resetOnLoss { // the broker has lost this connection only
		c.life.abort()
		return
	}
	c.samples.add(messages.Sample{Kind: messages.UpstreamOpened})
	if m.Replayed {
		c.samples.add(messages.Sample{Kind: messages.HeartbeatReplayed})
	}
	c.flight.bulk.begin(c.env.Now())
	for x := range c.flight.table.all() {
		if x.Relayed {
			c.handed(x)
		}
	}
}
