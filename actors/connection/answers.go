package connection

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/upstream"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// deliver takes bytes of the upstream. Runs of them are written to the client as they stand.
func (c *connection) deliver(m *messages.Deliver) {
	ch := m.Chunk
	defer m.Done()
	if m.Epoch != c.epoch {
		return
	}
	c.lastRead = c.env.Now()
	c.note().FromUp += int64(m.To - m.From)
	from := c.leadDown(ch, m)
	for i := range ch.Frames {
		f := &ch.Frames[i]
		if f.Off < m.From || f.Off >= m.To {
			continue
		}
		if len(c.hold) > 0 {
			c.writeChunk(ch, from, f.Off)
			from = f.Off
			c.writeHeld()
		}
		fate, head := c.answer(ch, f)
		if fate == drop || head != nil {
			c.writeChunk(ch, from, f.Off)
			from = min(f.End, m.To)
		}
		if head != nil {
			c.write(head)
			from = f.BodyOff
		}
		if f.End > len(ch.B) {
			c.down = fate
		}
	}
	c.writeChunk(ch, from, m.To)
	if c.down == boundary {
		c.writeHeld()
	}
	c.endIfDrained()
	c.leaveForsaken()
}

// leadDown deals with the bytes that continue the frame before and returns where what is to be relayed begins.
func (c *connection) leadDown(ch *transport.Chunk, m *messages.Deliver) int {
	lead := max(min(ch.Lead(), m.To), m.From)
	if c.down == boundary {
		return m.From
	}
	if c.edit != nil {
		c.edit.Rewrite(ch.B[m.From:lead])
	}
	from := m.From
	if c.down == drop {
		from = lead
	}
	if len(ch.Frames) > 0 || ch.Rest == 0 {
		c.down, c.edit = boundary, nil
	}
	return from
}

// answer settles the request that a frame of the upstream answers. head replaces the frame's prefix and header.
func (c *connection) answer(ch *transport.Chunk, f *codec.Frame) (fate bodyFate, head []byte) {
	c.edit = nil
	h := &f.Header
	if !h.IsResponse() {
		c.sample(messages.Sample{Kind: messages.PushRead})
		return relay, nil
	}
	x := c.take(h.Opaque)
	if x == nil { // nobody waits for it here; a broker's connection would bring it as well
		c.sample(messages.Sample{Kind: messages.ResponseRead})
		if h.Opaque == upstream.ReplayOpaque { // except the answer to a replay, when the upstream did not wait for it any more
			return drop, nil
		}
		return relay, nil
	}
	c.sample(messages.Sample{Kind: messages.ResponseRead})
	if x.Actor == nil { // its client has got an answer of ours already
		return drop, nil
	}
	c.sample(messages.Sample{Kind: messages.RequestAnswered, Code: x.Header.Code, Response: h.Code, Nanos: c.lastRead - x.Arrived})
	x.Answered.Code = h.Code
	x.Process.SendUserMessage(x.Actor, &x.Answered)
	if c.port.RewriteIDs.Load() {
		head = c.rewrite(ch, f, x)
	}
	return relay, head
}

// take removes the oldest relayed request with this opaque from those that wait.
func (c *connection) take(opaque int32) *messages.Exchange {
	x := c.pending.takeRelayed(opaque)
	if x != nil {
		c.removed(x)
	}
	return x
}

// forget removes x if it still waits, and reports whether it did.
func (c *connection) forget(x *messages.Exchange) bool {
	found := c.pending.remove(x)
	if found {
		c.removed(x)
	}
	return found
}

func (c *connection) removed(x *messages.Exchange) {
	if x.Actor != nil || x.Answer != nil {
		c.count--
	}
	c.handed(x)
}

// handed notes that a request does not wait for its upstream any more.
func (c *connection) handed(x *messages.Exchange) {
	if x.Waiting {
		x.Waiting = false
		c.waiting--
		c.sample(messages.Sample{Kind: messages.RequestHanded, Code: x.Header.Code})
	}
}

// settled takes a request's actor back, and gives the client our answer if it still waits for one.
func (c *connection) settled(x *messages.Exchange) {
	if c.routes != nil && c.routes.making == x {
		c.routes.making = nil
	}
	l := lease{x.Actor, x.Process, x}
	x.Actor, x.Process = nil, nil
	if x.Answer == nil { // take has removed it, and nobody else knows of it
		x.Reset()
		c.giveBack(l)
		return
	}
	l.x = messages.NewExchange()
	c.giveBack(l)
	if !c.forget(x) {
		c.answerRoutes()
		return
	}
	c.sample(messages.Sample{Kind: messages.RequestAnswered, Own: true, Code: x.Header.Code, Response: x.ResponseCode,
		Nanos: c.env.Now() - x.Arrived})
	if x.Relayed {
		// Its actor failed while the upstream has it or will get it: what comes later must not be a second answer.
		c.mourn(x)
	}
	c.hold = append(c.hold, x.Answer)
	if c.down == boundary {
		c.writeHeld()
	}
	c.endIfDrained()
}

// mourn leaves a mark for an answer that is to be dropped when it comes.
func (c *connection) mourn(x *messages.Exchange) {
	c.enlist(&messages.Exchange{Header: x.Header, Relayed: true, Arrived: x.Arrived})
}

// writeHeld writes answers of ours at the end of a frame; there is room for others then.
func (c *connection) writeHeld() {
	if len(c.hold) == 0 {
		return
	}
	for i, b := range c.hold {
		c.hold[i] = nil
		c.write(b)
	}
	c.hold = c.hold[:0]
	c.answerRoutes()
}

func (c *connection) write(b []byte) {
	c.note().ToDown += int64(len(b))
	c.sock.Write(b, nil)
}

func (c *connection) writeChunk(ch *transport.Chunk, from, to int) {
	if from < to {
		c.note().ToDown += int64(to - from)
		c.sock.Write(ch.B[from:to], ch)
	}
}
