package connection

import (
	"cmp"
	"slices"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// A fan-out is one request of the client that goes to several brokers. Its request actor joins their answers. What is asked
// of each broker is a part: an exchange of its own among those in flight, which takes the broker's answer and drops its bytes.

// fanOut sends a request, which has arrived whole, to several brokers. It has to wait while much is expected of one of them.
func (c *connection) fanOut(v *route.FanOut, ch *transport.Chunk, f *codec.Frame) continuation {
	if f.Header.Code == codec.ReqHeartBeat && c.beatenAlready(ch, f) {
		return fanned
	}
	targets := c.targets(v, f.Header.Code)
	if slices.ContainsFunc(targets, func(l *link) bool { return l != nil && c.exceeds(l, &f.Header) }) {
		return undecided
	}
	c.watchMembership(ch, f)
	if f.Header.ExpectsResponse() {
		c.askAll(v, f, targets)
	} else {
		c.samples.add(messages.Sample{Kind: messages.OnewayRead, Code: f.Header.Code})
		targets = slices.DeleteFunc(targets, func(l *link) bool { return l != nil && c.paused(l) })
	}
	short := false
	if f.Header.Code == codec.ReqHeartBeat {
		said, ok := rewrite.ReadHeartbeat(ch.Body(f))
		short = ok && said.Short
	}
	for _, l := range targets {
		if l != nil {
			c.noteRoutes(f.Header.Code, l)
			c.links.many.sends = append(c.links.many.sends, send{l, c.beatOn(l, f, short)})
		}
	}
	return fanned
}

// askAll begins a request whose answer is joined of those of its targets. One that is paused becomes nil: a pause that ends
// before the request is sent must not bring a broker what it was not asked for.
func (c *connection) askAll(v *route.FanOut, f *codec.Frame, targets []*link) {
	x := c.begin(f, nil)
	fan := c.newFanOut(v, x)
	x.FanOut = fan
	if f.Header.Code == codec.ReqHeartBeat {
		c.links.many.beat.fan = fan
	}
	c.tell(x, fan)
	for i, l := range targets {
		switch {
		case l == nil:
			c.part(fan, route.Unanswered(v.Targets[i]))
		case c.paused(l):
			targets[i] = nil
			c.part(fan, c.whilePartPaused(l, f.Header.Code))
		default:
			part := &messages.Exchange{Header: f.Header, Arrived: x.Arrived, Link: l.number, Relayed: true, Tombstone: true, PartOf: fan}
			c.flight.add(part)
			c.expect(l, part)
		}
	}
	c.handed(x)
}

// whilePartPaused is the answer in the place of a broker that is paused: it has said the same of the last heartbeat.
func (c *connection) whilePartPaused(l *link, code int32) route.Answer {
	id := c.links.many.list[l.number].broker
	if code != codec.ReqHeartBeat || l.confirmed.version == 0 {
		return route.Unanswered(id)
	}
	l.confirmed.owed = true
	return route.Answer{Broker: id, Code: codec.ResSuccess, Version: l.confirmed.version, Ext: l.confirmed.ext()}
}

// forwardFanOut hands a request to the upstreams of its links.
func (c *connection) forwardFanOut(ch *transport.Chunk, f *codec.Frame) {
	m := c.links.many
	for _, s := range m.sends {
		if s.frame != nil {
			c.forwardFrame(s.to, s.frame)
		} else {
			c.forward(s.to, ch, f.Off, f.End)
		}
	}
	m.sends = nil
}

// send is what a fan-out sends to one of its links.
type send struct {
	to    *link
	frame []byte // nil: the client's
}

// targets are the links to those that a request goes to; nil: a broker that has been forgotten a moment ago.
func (c *connection) targets(v *route.FanOut, code int32) (list []*link) {
	for i := range v.Targets {
		l := c.findLink(v.Targets[i])
		if l == nil {
			l = c.addLink(v.Targets[i], code != codec.ReqHeartBeat)
		}
		list = append(list, l)
	}
	return list
}

func (c *connection) newFanOut(v *route.FanOut, x *messages.Exchange) *messages.FanOut {
	fan := &messages.FanOut{X: x, Join: v.Join, Targets: v.Targets, Version: cmp.Or(c.brokerVersion.Load(), codec.Version5_5_0)}
	soon, late := v.Join.Timeouts(x.Header.Code, c.env.Settings().OnePortTimeout)
	if late > 0 {
		fan.Late = x.Arrived + int64(late)
		c.dueBy(fan.Late)
	}
	if soon > 0 {
		fan.Soon = x.Arrived + int64(soon)
		c.dueBy(fan.Soon)
	}
	fan.Look = cmp.Or(fan.Soon, fan.Late)
	return fan
}

// part gives the request's actor what a broker has said. It may be the last word: then the client gets its answer.
func (c *connection) part(fan *messages.FanOut, a route.Answer) {
	if x := fan.X; x.FanOut == fan { // else it has been answered
		c.tell(x, &messages.PartAnswered{FanOut: fan, Answer: a})
	}
}

// partAnswered takes the answer of a broker to its part, or waits for the rest of it.
func (c *connection) partAnswered(l *link, part *messages.Exchange, ch *transport.Chunk, f *codec.Frame) continuation {
	l.bulk.remove(part)
	l.bulk.learn(part, f.End-f.Off)
	if part.PartOf.X.FanOut != part.PartOf {
		return drop
	}
	m := c.links.many
	m.held += min(f.End, len(ch.B)) - f.Off
	if f.End <= len(ch.B) {
		c.partWhole(l, part, ch.B[f.Off:f.End])
		return drop
	}
	far := m.list[l.number]
	far.gathering = &gathering{frame: append([]byte(nil), ch.B[f.Off:]...), size: f.End - f.Off}
	far.part = part
	return gathered
}

// more takes bytes that follow. It is part of decider.
func (c *connection) more(l *link, b []byte) {
	far := c.links.many.list[l.number]
	g := far.gathering
	c.links.many.held += len(b)
	if g.frame = append(g.frame, b...); len(g.frame) >= g.size {
		part := far.part
		far.gathering, far.part = nil, nil
		c.partWhole(l, part, g.frame)
	}
}

// partWhole reads the answer of a broker to its part. It keeps nothing of the frame.
func (c *connection) partWhole(l *link, part *messages.Exchange, frame []byte) {
	m, fan := c.links.many, part.PartOf
	if fan.X.FanOut != fan { // it was answered while this came
		m.held -= len(frame)
		return
	}
	fan.Bytes += len(frame)
	id := m.list[l.number].broker
	if part.Header.Code == codec.ReqHeartBeat {
		c.heartbeatAnswered(l, frame)
	}
	command, _, err := codec.Decode(c.rewritten(part.Header.Code, frame), codec.Limits{})
	if err != nil {
		c.part(fan, route.Unanswered(id))
		return
	}
	c.part(fan, route.Answer{
		Broker: id, Code: command.Code, Remark: command.Remark, Version: command.Version, Ext: command.Ext, Body: command.Body,
	})
}

// rewritten is a copy of an answer with advertised addresses where clients take brokers' addresses from.
func (c *connection) rewritten(code int32, frame []byte) []byte {
	ch := wholeFrame(frame)
	if ch == nil {
		return frame
	}
	defer ch.Release()
	p, f := passage{}, &ch.Frames[0]
	c.rewrite(&p, rewrite.InAnswer(code), ch, f)
	if p.hosts != nil {
		p.hosts.Rewrite(ch.B[f.BodyOff:])
		storeHosts.Put(p.hosts)
	}
	if p.head != nil {
		return append(p.head, ch.B[f.BodyOff:]...)
	}
	return ch.B
}

// wholeFrame makes a chunk of a copy of a frame; nil: it is malformed.
func wholeFrame(frame []byte) *transport.Chunk {
	split := codec.Splitter{Limits: codec.Limits{MaxFrame: len(frame), MaxHeader: len(frame)}}
	frames, _, err := split.Split(frame, nil)
	if err != nil || len(frames) == 0 {
		return nil
	}
	return transport.WholeFrame(append([]byte(nil), frame...), &frames[0].Header, frames[0].BodyOff)
}

// heartbeatAnswered notes what a broker says to the client's heartbeat.
func (c *connection) heartbeatAnswered(l *link, frame []byte) {
	ch := wholeFrame(frame)
	if ch == nil {
		return
	}
	defer ch.Release()
	f := &ch.Frames[0]
	if l.confirm(&f.Header, ch.RawHeader(f)); f.Header.Code == codec.ResSuccess {
		c.brokerVersion.Store(f.Header.Version)
		c.links.many.list[l.number].member = true
		c.linked()
	}
}

// fanOutOver notes that a request was answered. What brokers still say to it no longer counts.
func (c *connection) fanOutOver(x *messages.Exchange) (fan *messages.FanOut) {
	if fan = x.FanOut; fan != nil {
		x.FanOut = nil
		c.links.many.held -= fan.Bytes
	}
	return fan
}

// partCut is for a part whose answer was arriving when its link was lost.
func (c *connection) partCut(l *link) {
	if c.links.many == nil {
		return
	}
	far := c.links.many.list[l.number]
	if part := far.part; part != nil {
		c.links.many.held -= len(far.gathering.frame)
		far.gathering, far.part = nil, nil
		c.partLost(part)
	}
}

// partLost is for a part whose link was lost.
func (c *connection) partLost(part *messages.Exchange) {
	if part.PartOf == nil {
		return
	}
	c.links.at(int(part.Link)).bulk.remove(part)
	c.part(part.PartOf, route.Unanswered(c.links.many.list[part.Link].broker))
}
