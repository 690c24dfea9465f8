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

// pushAnswered finds the link that the client's answer to a request of a broker goes to. What answers nothing is dropped, and
// so is what comes after the broker's connection was lost.
func (c *connection) pushAnswered(ch *transport.Chunk, f *codec.Frame) (continuation, *link) {
	m := c.links.many
	if m == nil {
		return relay, &c.links.solo
	}
	i := slices.IndexFunc(m.pushes, func(p push) bool { return p.opaque == f.Header.Opaque })
	if i < 0 {
		return drop, nil
	}
	p := m.pushes[i]
	m.pushes = slices.Delete(m.pushes, i, i+1)
	l := c.links.of(p.epoch)
	if l == nil {
		return drop, nil
	}
	ours := ch.Head(f)
	if m.head = codec.SetOpaque(ours, &f.Header, f.End-f.BodyOff, p.theirs); &m.head[0] == &ours[0] { // changed in place
		return relay, l
	}
	return headed, l
}
