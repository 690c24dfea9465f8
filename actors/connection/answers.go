package connection

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/upstream"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// deliver takes bytes of the upstream.
func (c *connection) deliver(m *messages.Deliver) {
	l := c.links.of(m.Epoch)
	if l == nil {
		m.Done()
		return
	}
	c.lastTraffic = c.env.Now()
	l.bulk.hear(c.lastTraffic)
	c.samples.note().UpstreamReceived += int64(m.To - m.From)
	if c.out.defers(delivery{link: l, bytes: m}) {
		return
	}
	c.relay(l, m)
	for d, ok := c.out.next(); ok; d, ok = c.out.next() {
		if d.lost != nil {
			c.lose(d.link, d.lost)
		} else {
			c.relay(d.link, d.bytes)
		}
	}
}

func (c *connection) relay(l *link, m *messages.Deliver) {
	c.out.relay(c, l, m)
	m.Done()
}

// answer settles the request that a frame of an upstream answers. It is part of decider.
func (c *connection) answer(l *link, ch *transport.Chunk, f *codec.Frame) (p passage) {
	p.what = relay
	h := &f.Header
	if !h.IsResponse() {
		c.samples.add(messages.Sample{Kind: messages.UpstreamRequestRead})
		c.rewrite(&p, rewrite.InRequest(h.Code), ch, f)
		c.pushed(&p, l, ch, f)
		return p
	}
	c.samples.add(messages.Sample{Kind: messages.ResponseRead})
	x := c.flight.take(l.number, h.Opaque)
	switch {
	case x == nil && h.Opaque == upstream.ReplayOpaque: // the upstream did not wait for the answer to a replay any longer
		p.what = drop
		return p
	case x == nil && c.links.many != nil: // it could be taken for the answer of another broker
		p.what = drop
		return p
	case x == nil: // no request waits for it; a connection to the broker itself would bring it as well
		return p
	case x.PartOf != nil:
		p.what = c.partAnswered(l, x, ch, f)
		return p
	case x.Tombstone: // its client has got a local reply already
		p.what = drop
		return p
	}
	c.handed(x)
	if x.Header.Code == codec.ReqHeartBeat {
		l.confirm(h, ch.RawHeader(f))
	}
	l.bulk.remove(x)
	l.bulk.learn(x, f.End-f.Off)
	c.samples.add(messages.Sample{Kind: messages.RequestAnswered, Code: x.Header.Code, Response: h.Code, Nanos: c.lastTraffic - x.Arrived})
	c.popAnswered(x, h, ch.RawHeader(f))
	c.rewrite(&p, rewrite.InAnswer(x.Header.Code), ch, f)
	x.Answered.Code = h.Code
	c.tell(x, &x.Answered)
	return p
}
