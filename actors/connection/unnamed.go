package connection

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// With listener.unnamed = "balance" a request may need another code, or a handle, before its broker understands it; and it is
// remembered where popped messages came from.

// relayEdited passes a request on whose header changes.
func (c *connection) relayEdited(l *link, e *route.Edit, ch *transport.Chunk, f *codec.Frame) (continuation, *link) {
	head := rewrite.Edited(ch.Head(f), &f.Header, f.End-f.BodyOff, e)
	what, l := c.relayTo(l, ch, f)
	return c.underHead(what, head, ch, f), l
}

// notePop notes that a request takes messages, if acks of them may come without a handle.
func (c *connection) notePop(x *messages.Exchange, ch *transport.Chunk, f *codec.Frame, l *link) {
	if m := c.links.many; m != nil && c.balances() {
		x.Pop = route.PopOf(&f.Header, ch.RawHeader(f), m.list[l.number].broker.Name)
	}
}

// popAnswered remembers the messages of an answer.
func (c *connection) popAnswered(x *messages.Exchange, h *codec.Header, raw []byte) {
	if m := c.links.many; x.Pop != nil && m != nil && h.Code == codec.ResSuccess {
		m.client.Now = c.lastTraffic
		m.client.Popped(*x.Pop, h, raw)
	}
}

// forgetPops drops what is too old to be used.
func (c *connection) forgetPops(now int64) {
	m := c.links.many
	if m == nil || m.client.PoppedBytes() == 0 {
		return
	}
	life := int64(0)
	if c.balances() {
		life = int64(c.port.Table().OnePort.Life)
	}
	m.client.Now = now
	m.client.ForgetPops(life)
}

// balances reports that requests which name no broker are balanced (listener.unnamed).
func (c *connection) balances() bool {
	o := c.port.Table().OnePort
	return o != nil && o.Balance
}
