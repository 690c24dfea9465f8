package connection

import (
	"slices"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// A frame that may not be sent yet is parked: its request has begun and is a pending one, its bytes are kept as references
// to the chunks that brought them, and so its client's socket is read no further than to the end of its window. Parked
// frames go on in their order, between two other frames, or their time is over.

// parking are the frames of a client that are parked. nil are none.
type parking struct {
	queue []*parked // in the order in which they came
	free  int       // of them, those that may go on
	late  alarm     // for the time of the first that is over
	// Of limits (limit.go):
	turn     alarm // for the first that may pass
	resume   int64 // when a request without an answer may be tried again; 0: none waits
	delaying bool  // one waits, and was counted
}

// parked is one of them.
type parked struct {
	wait
	code   int32
	oneway bool // a request that wants no answer
	pieces []piece
	short  bool // its rest is still to come
	free   bool // it may go on
	over   bool // its request was answered meanwhile
}

// wait says what a parked frame waits for.
type wait struct {
	x     *messages.Exchange // of the request; nil: nobody waits for an answer
	link  *link              // where it goes
	until int64              // when its time is over, on the process clock
	pause *messages.Pause    // that has to end; nil: it waits for something else
	// late answers the request when the time is over.
	late     func(c *connection, p *parked)
	*holding // by a limit; nil: it waits for something else
}

// piece is a part of a frame, with a reference to its chunk.
type piece struct {
	chunk    *transport.Chunk
	from, to int
}

// parkDue comes when the time of a parked frame may be over.
type parkDue struct{ at int64 }

// lateBy is how late that may be noticed: the frames of a busy client need not have a timer each.
const lateBy = 10 * time.Millisecond

// parks reports that frames are parked.
func (fl *inflight) parks() bool { return fl.parking != nil && len(fl.parking.queue) > 0 }

// parksFree reports that a frame may go on and could not yet: what comes later has to wait behind it.
func (fl *inflight) parksFree() bool { return fl.parking != nil && fl.parking.free > 0 }

// lot is where frames are parked.
func (fl *inflight) lot() *parking {
	if fl.parking == nil {
		fl.parking = &parking{}
	}
	return fl.parking
}

// forget notes that the request of a parked frame was answered: its bytes must not reach the broker.
func (pk *parking) forget(x *messages.Exchange) {
	x.Parked = false
	for _, p := range pk.queue {
		if p.x == x {
			p.x, p.over = nil, true
			p.drop()
		}
	}
}

// drop gives the bytes back.
func (p *parked) drop() {
	for _, each := range p.pieces {
		each.chunk.Release()
	}
	p.pieces = nil
	p.holding.leave()
}

// keep takes a part of the frame.
func (p *parked) keep(ch *transport.Chunk, from, to int) {
	if from < to && !p.over {
		ch.Retain()
		p.pieces = append(p.pieces, piece{ch, from, to})
	}
}

// rehead gives the frame that was parked last another head. The reference to its own stays: limits read it again.
func (pk *parking) rehead(head []byte, f *codec.Frame) {
	p := pk.queue[len(pk.queue)-1]
	p.pieces[0].from = f.BodyOff
	p.pieces = slices.Insert(p.pieces, 0, piece{transport.WholeFrame(head, &f.Header, len(head)), 0, len(head)})
}

// park keeps a frame until freeParked lets it go on, or its time is over.
func (c *connection) park(ch *transport.Chunk, f *codec.Frame, w wait) continuation {
	lot := c.flight.lot()
	p := &parked{wait: w, code: f.Header.Code, short: f.End > len(ch.B), oneway: w.x == nil && !f.Header.IsResponse()}
	p.keep(ch, f.Off, min(f.End, len(ch.B)))
	lot.queue = append(lot.queue, p)
	switch {
	case p.oneway:
		c.samples.add(messages.Sample{Kind: messages.OnewayParked, Code: p.code})
	case p.x != nil:
		p.x.Parked, p.x.Relayed = true, false
		if !p.x.Waiting {
			c.flight.wait(p.x)
			c.samples.add(messages.Sample{Kind: messages.RequestWaiting, Code: p.code})
		}
	}
	p.count(1)
	c.watchParked(p.until)
	return keep
}

// count counts a request among those that wait for a pause to end.
func (p *parked) count(n int64) {
	if p.pause != nil && (p.oneway || p.x != nil || p.over) {
		p.pause.Parked.Add(n)
	}
}

// parkMore takes the bytes that continue a frame which is parked.
func (c *connection) parkMore(ch *transport.Chunk) {
	if c.in.continuation != keep {
		return
	}
	if ch.Lead() == 0 {
		return
	}
	p := c.flight.parking.queue[len(c.flight.parking.queue)-1]
	p.keep(ch, 0, ch.Lead())
	p.short = len(ch.Frames) == 0 && ch.Rest > 0
}

// watchParked has a timer come when the time of a parked frame is over.
func (c *connection) watchParked(until int64) {
	now := c.env.Now()
	if at := max(until, now+int64(lateBy)); c.flight.parking.late.set(at, 0) {
		system.After(time.Duration(at-now), c.self, &parkDue{at})
	}
}

// parkedDue is for the timer.
func (c *connection) parkedDue(m *parkDue) {
	if lot := c.flight.parking; lot != nil && lot.late.rings(m.at) {
		c.parkedLong()
	}
}

// parkedLong ends the time of the frames for which it is over.
func (c *connection) parkedLong() {
	lot := c.flight.parking
	if lot == nil {
		return
	}
	now, next := c.env.Now(), int64(0)
	var late []*parked
	waiting := lot.queue[:0]
	for _, p := range lot.queue {
		switch {
		case p.free:
		case p.until <= now:
			late = append(late, p)
			continue
		case next == 0 || p.until < next:
			next = p.until
		}
		waiting = append(waiting, p)
	}
	clear(lot.queue[len(waiting):])
	lot.queue = waiting
	if next != 0 {
		c.watchParked(next)
	}
	for _, p := range late {
		c.giveUp(p)
	}
	c.leaveLot()
}

// giveUp answers a request whose time is over, and drops its frame.
func (c *connection) giveUp(p *parked) {
	c.unlot(p, drop)
	p.drop()
	switch {
	case p.x != nil:
		p.late(c, p)
	case p.oneway:
		c.samples.add(messages.Sample{Kind: messages.RequestHanded, Code: p.code})
		c.samples.add(messages.Sample{Kind: messages.RequestAbandoned, Code: p.code})
	}
}

// unlot ends the parking of a frame; rest is what becomes of the bytes of it that are still to come.
func (c *connection) unlot(p *parked, rest continuation) {
	p.count(-1)
	if p.x != nil {
		p.x.Parked = false
	}
	if p.short {
		c.in.continuation = rest
	}
}

// freeParked lets parked frames go on.
func (c *connection) freeParked(which func(p *parked) bool) {
	if !c.flight.parks() {
		return
	}
	for _, p := range c.flight.parking.queue {
		if !p.free && which(p) {
			p.free = true
			c.flight.parking.free++
		}
	}
	c.sendParked()
}

// sendParked sends what may go on, in its order, unless another frame is on its way, or too much is expected of the broker.
func (c *connection) sendParked() {
	if !c.flight.parksFree() {
		return
	}
	lot := c.flight.parking
	all := lot.queue
	lot.queue = nil
	for i, p := range all {
		if !p.free {
			lot.queue = append(lot.queue, p)
			continue
		}
		if c.in.continuation == relay || p.x != nil && c.exceeds(p.link, &p.x.Header) {
			lot.queue = append(lot.queue, all[i:]...)
			break
		}
		lot.free--
		c.sendOne(p)
	}
	c.leaveLot()
}

// sendOne sends a frame that was parked.
func (c *connection) sendOne(p *parked) {
	if p.over {
		c.unlot(p, drop)
		return
	}
	c.unlot(p, relay)
	for _, each := range p.pieces {
		c.forward(p.link, each.chunk, each.from, each.to)
	}
	p.drop()
	switch {
	case p.x != nil:
		p.x.Relayed, p.x.Link = true, p.link.number
		c.expect(p.link, p.x)
		if within := c.answerWithin(p.code); within > 0 {
			c.dueBy(p.x.Arrived + int64(within))
		}
		if p.link.isUp() {
			c.handed(p.x)
		}
	case p.oneway:
		c.samples.add(messages.Sample{Kind: messages.OnewayHanded, Code: p.code})
	}
	c.noteRoutes(p.code, p.link)
}

// leaveLot forgets a lot in which nothing is left.
func (c *connection) leaveLot() {
	if lot := c.flight.parking; lot != nil && len(lot.queue) == 0 && !lot.late.on() && !lot.turn.on() && lot.resume == 0 && !lot.delaying {
		c.flight.parking = nil
	}
}

// releaseParked gives up what is parked: the connection ends. The requests in flight are counted with the others.
func (c *connection) releaseParked() {
	if c.flight.parking == nil {
		return
	}
	for _, p := range c.flight.parking.queue {
		p.count(-1)
		p.drop()
		if p.oneway {
			c.samples.add(messages.Sample{Kind: messages.RequestHanded, Code: p.code})
			c.samples.add(messages.Sample{Kind: messages.RequestAbandoned, Code: p.code})
		}
	}
	c.flight.parking = nil
}
