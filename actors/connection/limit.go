package connection

import (
	"fmt"
	"slices"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/limit"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// What a limit ([[limit]], package limit) does to a request that exceeds it depends on what helps the client. A send is
// refused with 215 (FLOW_CONTROL), which its caller sees. A pull or a pop is parked until it may pass or its own time is over,
// because consumers ask again at once whatever they are told. A request that wants no answer cannot be refused without being
// lost, so the client is not read until it may pass.

// holding is why a poll is parked.
type holding struct {
	request *limit.Request
	place   *limit.Place // in the queue of the limit; nil: it has none
	next    int64        // when it asks again, on the process clock
	passed  bool         // it may pass
}

// lookAtLimits comes when something that waits for a limit may pass.
type lookAtLimits struct{ at int64 }

// askAgain is how long a poll waits that has no place in a queue, because its time would be over before its turn.
const askAgain = time.Second

// limits are those of the connection's listener; nil: none.
func (c *connection) limits() limit.Limits { return c.env.Settings().Limits.Of(c.port.Listener) }

// seen is what limits see of a request. It is valid as long as h and raw.
func (c *connection) seen(h *codec.Header, raw []byte, size int) limit.Request {
	return limit.Request{
		Facts: route.Facts{Header: h, Raw: raw}, Kind: limit.KindOf(h.Code), Bytes: size,
		Client: c.heartbeat.clientID, Peer: c.out.sock.Remote(),
	}
}

// overLimit deals with a request for a link that a limit does not let pass, and says so. pass is what others count for.
func (c *connection) overLimit(ch *transport.Chunk, f *codec.Frame, l *link) (pass *limit.Pass, what continuation, over bool) {
	if limit.KindOf(f.Header.Code) == limit.Uncounted || !f.Header.ExpectsResponse() {
		return nil, relay, false
	}
	limits := c.limits()
	if limits == nil {
		return nil, relay, false
	}
	r := c.seen(&f.Header, ch.RawHeader(f), f.End-f.Off)
	pass, by, after := limits.Take(c.env.Now(), &r, false)
	switch {
	case by == nil:
		return pass, relay, false
	case r.Kind == limit.Poll && answerable(&r):
		return nil, c.hold(ch, f, l, r, by, after), true
	}
	by.Count.Refused.Add(1)
	c.reply(c.begin(f, nil), codec.ResFlowControl, fmt.Sprintf(
		"rocketmq-proxy: limit %q ([[limit]]) is exceeded; send less, or raise it", by.Name), nil)
	return nil, drop, true
}

// answerable reports that a poll can be told that nothing has come: a pull has to say from which offset on.
func answerable(r *limit.Request) bool {
	switch r.Facts.Header.Code {
	case codec.ReqPullMessage, codec.ReqLitePullMessage:
		_, ok := route.AskedOffset(r.Facts.Header, r.Facts.Raw)
		return ok
	}
	return true
}

// hold parks a poll.
func (c *connection) hold(ch *transport.Chunk, f *codec.Frame, l *link, r limit.Request, by *limit.Limit, after time.Duration) continuation {
	by.Count.Held.Add(1)
	x := c.beginRelay(ch, f, l)
	r.Facts.Header = &x.Header
	now := c.env.Now()
	h := &holding{request: &r}
	w := wait{link: l, x: x, until: now + int64(route.PollTime(&f.Header, r.Facts.Raw)), late: (*connection).heldLong, holding: h}
	h.queue(by, now, after, w.until)
	what := c.park(ch, f, w)
	c.watchLimits(h.next)
	return what
}

// queue has a poll ask again when its turn comes, or now and then if that is after its time.
func (h *holding) queue(by *limit.Limit, now int64, after time.Duration, until int64) {
	if h.next = now + int64(after); h.next < until {
		h.place = by.Queue(now, h.request)
		return
	}
	h.next = min(now+int64(askAgain), until)
}

// leave gives the place in the queue up.
func (h *holding) leave() {
	if h != nil {
		h.place.Leave()
		h.place = nil
	}
}

// heldLong answers a poll whose time is over as the broker would have, had nothing come.
func (c *connection) heldLong(p *parked) {
	code, ext := route.PollAgain(p.x.Header.Code, p.x.AskedOffset)
	p.x.Reply.Ext = ext
	c.reply(p.x, code, "", nil)
}

// watchLimits has a timer come at a time.
func (c *connection) watchLimits(at int64) {
	if c.flight.lot().turn.set(at, 0) {
		system.After(time.Duration(at-c.env.Now()), c.self, &lookAtLimits{at})
	}
}

// limitsDue has those polls ask again whose turn has come. A request without an answer is tried again in any case (unpark).
func (c *connection) limitsDue(m *lookAtLimits) {
	lot := c.flight.parking
	if lot == nil || !lot.turn.rings(m.at) {
		return
	}
	now, next, limits := c.env.Now(), lot.resume, c.limits()
	var passed []*parked
	for _, p := range lot.queue {
		switch {
		case p.holding == nil || p.free || p.over:
		case p.next <= now && c.passes(limits, p, now):
			passed = append(passed, p)
		case next == 0 || p.next < next:
			next = p.next
		}
	}
	if next > now {
		c.watchLimits(next)
	}
	for _, p := range passed {
		c.unhold(p, now)
	}
	c.freeParked(func(p *parked) bool { return p.holding != nil && p.passed })
	c.leaveLot()
}

// passes asks again whether a poll may pass.
func (c *connection) passes(limits limit.Limits, p *parked, now int64) bool {
	p.holding.leave()
	pass, by, after := limits.Take(now, p.request, true)
	if by != nil {
		p.queue(by, now, after, p.until)
		return false
	}
	p.x.Pass = pass
	return true
}

// unhold ends the wait of a poll that may pass. Its broker may be paused meanwhile.
func (c *connection) unhold(p *parked, now int64) {
	p.passed = true
	if c.paused(p.link) {
		pause := c.destination(p.link).Pause()
		p.holding, p.pause, p.until, p.late = nil, pause, now+int64(pause.Patience()), (*connection).pausedLong
		p.count(1)
		c.watchParked(p.until)
	}
}

// answerHeld answers all polls that wait for a limit: the connection is to end, or to go to another process.
func (c *connection) answerHeld() {
	if !c.flight.parks() {
		return
	}
	for _, p := range c.flight.parking.queue {
		if p.holding != nil {
			p.until = 0
		}
	}
	c.parkedLong()
}

// parksOthers reports that frames are parked for something else than a limit.
func (fl *inflight) parksOthers() bool {
	return fl.parks() && slices.ContainsFunc(fl.parking.queue, func(p *parked) bool { return p.holding == nil })
}

// delays reports that a request without an answer has to wait for a limit, and with it what comes later. One that may pass is
// counted.
func (c *connection) delays(ch *transport.Chunk, f *codec.Frame) bool {
	if f.Header.ExpectsResponse() || f.Header.IsResponse() || limit.KindOf(f.Header.Code) == limit.Uncounted {
		return false
	}
	limits := c.limits()
	if limits == nil {
		return false
	}
	r := c.seen(&f.Header, ch.RawHeader(f), f.End-f.Off)
	now := c.env.Now()
	pass, by, after := limits.Take(now, &r, false)
	if by == nil {
		pass.End()
		c.endDelay()
		return false
	}
	lot := c.flight.lot()
	if !lot.delaying {
		lot.delaying = true
		by.Count.Delayed.Add(1)
	}
	lot.resume = now + int64(after)
	c.watchLimits(lot.resume)
	return true
}

// endDelay notes that no request without an answer waits.
func (c *connection) endDelay() {
	if lot := c.flight.parking; lot != nil {
		lot.delaying, lot.resume = false, 0
		c.leaveLot()
	}
}

// delayed reports that the client is not read because of a limit.
func (c *connection) delayed() bool {
	return c.flight.parking != nil && c.flight.parking.resume > c.env.Now()
}
