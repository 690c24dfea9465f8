package connection

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// A client sends its heartbeat once for each broker that it knows, and on a one-port listener all of them come to the same
// place: the first goes to all brokers, and those that say the same within a moment are answered as that one was.

// beat is the last heartbeat that went out. The zero value is none.
type beat struct {
	fingerprint uint64
	at          int64            // on the process clock
	fan         *messages.FanOut // that is not answered yet; nil: it is
	waiting     []waitingBeat    // for its answer
	answer      messages.Reply
}

// waitingBeat is one that came before the last one was answered. Its exchange may be another request's by then.
type waitingBeat struct {
	x       *messages.Exchange
	arrived int64
}

// sameBeat is how long the same heartbeat goes nowhere again. Clients send them every 30 s.
const sameBeat = 5 * time.Second

// beatenAlready answers a heartbeat that has just gone out, or will when that one is answered, and reports whether it did.
func (c *connection) beatenAlready(ch *transport.Chunk, f *codec.Frame) bool {
	m := c.links.many
	b := &m.beat
	fingerprint := rewrite.HeartbeatFingerprint(ch.Body(f))
	if b.at == 0 || fingerprint != b.fingerprint || m.arrived-b.at >= int64(sameBeat) {
		*b = beat{fingerprint: fingerprint, at: m.arrived, waiting: b.waiting}
		return false
	}
	if !f.Header.ExpectsResponse() {
		c.samples.add(messages.Sample{Kind: messages.OnewayRead, Code: f.Header.Code})
		return true
	}
	x := c.begin(f, nil)
	if b.fan != nil {
		b.waiting = append(b.waiting, waitingBeat{x, x.Arrived})
		return true
	}
	c.beatAgain(x)
	return true
}

// beatAgain answers as the last heartbeat was answered.
func (c *connection) beatAgain(x *messages.Exchange) {
	last := &c.links.many.beat.answer
	x.Reply.Ext, x.Reply.Version = last.Ext, last.Version
	c.reply(x, last.Code, last.Remark, nil)
}

// beatAnswered takes the joined answer to a heartbeat.
func (c *connection) beatAnswered(fan *messages.FanOut, answer []byte) {
	m := c.links.many
	if fan == nil || m.beat.fan != fan {
		return
	}
	m.beat.fan = nil
	if a, _, err := codec.Decode(answer, codec.Limits{}); err == nil {
		m.beat.answer = messages.Reply{Code: a.Code, Remark: a.Remark, Ext: a.Ext, Version: a.Version}
	}
	waiting := m.beat.waiting
	m.beat.waiting = nil
	for _, w := range waiting {
		if w.x.Actor != nil && w.x.Arrived == w.arrived {
			c.beatAgain(w.x)
		}
	}
}

// beatOn is what goes to a link in the place of a heartbeat; nil: it goes as it is. One without subscriptions says something only
// to a broker that has the full one and keeps it (heartbeat V2).
func (c *connection) beatOn(l *link, f *codec.Frame, short bool) []byte {
	if !short || c.heartbeat.full == nil {
		return nil
	}
	far := c.links.many.list[l.number]
	if far.member && l.confirmed.v2 && !l.confirmed.subChange {
		return nil
	}
	full, err := codec.WithOpaque(c.heartbeat.full, f.Header.Opaque)
	if err != nil {
		return nil
	}
	return full
}

// leaveGroups leaves out of later replays what the client unregisters. A signed heartbeat cannot be changed.
func (h *heartbeat) leaveGroups(c *connection, ch *transport.Chunk, f *codec.Frame) {
	c.links.many.beat = beat{waiting: c.links.many.beat.waiting, fan: c.links.many.beat.fan}
	full, _, err := codec.Decode(h.full, codec.Limits{})
	if h.full == nil || err != nil || full.Ext["Signature"] != "" {
		h.drop(c.env)
		return
	}
	raw := ch.RawHeader(f)
	rest, left := rewrite.HeartbeatWithout(full.Body, f.Header.ExtString(raw, "producerGroup"), f.Header.ExtString(raw, "consumerGroup"))
	if !left {
		h.drop(c.env)
		return
	}
	full.Body = rest
	h.learn(full.Append(nil, codec.JSON))
	h.account(c.env)
}
