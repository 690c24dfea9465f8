package connection

import (
	"sync"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// storeHosts are used again: a connection has one only while a body that has store hosts passes in pieces.
var storeHosts = sync.Pool{New: func() any { return new(rewrite.StoreHosts) }}

// rewrite puts advertised addresses where clients take brokers' addresses from (see package rewrite), as far as they
// stand in the frame's head, and makes ready for its body.
func (c *connection) rewrite(p *passage, at rewrite.Hosts, ch *transport.Chunk, f *codec.Frame) {
	if at == (rewrite.Hosts{}) || c.port.StoreHosts == nil || c.port.Role == messages.NameServerPort {
		return
	}
	lookup := c.port.StoreHosts(c.out.sock.Local())
	if lookup == nil {
		return
	}
	size := f.End - f.BodyOff
	p.head = at.Head(ch.Head(f), &f.Header, size, lookup)
	if at.Body && size > 0 {
		p.hosts = storeHosts.Get().(*rewrite.StoreHosts)
		p.hosts.Begin(size, lookup)
	}
}

// edit rewrites what has come of a body, and keeps the state if there is more to come. It returns how many bytes at
// its end are withheld.
func (l *link) edit(hosts *rewrite.StoreHosts, body []byte) (withheld int) {
	_, ready := hosts.Rewrite(body) // nothing was withheld before
	l.hosts = hosts
	if l.continuation == boundary {
		l.end()
	}
	return len(body) - ready
}
