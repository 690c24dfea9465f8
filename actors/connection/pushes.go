package connection

import (
	"slices"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Brokers count the opaques of their requests each for itself, so on a one-port listener two of them may use the same one. A
// request that the client answers gets an opaque of this connection, and the answer the one that its broker knows.

// push is a request of a broker that the client has to answer.
type push struct {
	opaque int32 // that the client knows
	theirs int32
	epoch  int32 // of the link on which it came
}

// maxPushes is how many requests of brokers may wait for the client's answer; of more the oldest are forgotten.
const maxPushes = 1024

// pushed gives a request of a broker an opaque of ours, in its head or in the one that takes its place.
func (c *connection) pushed(p *passage, l *link, ch *transport.Chunk, f *codec.Frame) {
	m := c.links.many
	if m == nil || !f.Header.ExpectsResponse() {
		return
	}
	m.pushed++
	if f.Header.NoOpaque {
		return
	}
	head := p.head
	if head == nil {
		head = ch.Head(f)
	}
	if changed := codec.SetOpaque(head, &f.Header, f.End-f.BodyOff, m.pushed); &changed[0] != &head[0] { // else in place
		p.head = changed
	}
	if len(m.pushes) >= maxPushes {
		m.pushes = slices.Delete(m.pushes, 0, 1)
	}
	m.pushes = append(m.pushes, push{m.pushed, f.Header.Opaque, l.epoch})
}

// answerPush passes the client's answer to a request of a broker on.
func (c *connection) answerPush(ch *transport.Chunk, f *codec.Frame) (what continuation, l *link) {
	l, head := c.pushAnswered(ch, f)
	switch {
	case l == nil:
		return drop, nil
	case c.paused(l):
		what = c.whilePaused(ch, f, l)
	default:
		what = relay
	}
	return c.underHead(what, head, ch, f), l
}

// pushAnswered finds the link that the client's answer to a request of a broker goes to, and the head that it gets; nil: its
// own. What answers nothing has no link, and neither has what comes after the broker's connection was lost.
func (c *connection) pushAnswered(ch *transport.Chunk, f *codec.Frame) (l *link, head []byte) {
	m := c.links.many
	if m == nil {
		return &c.links.solo, nil
	}
	i := slices.IndexFunc(m.pushes, func(p push) bool { return p.opaque == f.Header.Opaque })
	if i < 0 {
		return nil, nil
	}
	p := m.pushes[i]
	m.pushes = slices.Delete(m.pushes, i, i+1)
	return c.links.of(p.epoch), codec.SetOpaque(ch.Head(f), &f.Header, f.End-f.BodyOff, p.theirs)
}
