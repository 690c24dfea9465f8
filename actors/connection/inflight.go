package connection

import (
	"unsafe"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// inflight are the client's requests that wait for an answer, and the request actors that are leased to them.
//
// A request that was answered by the proxy while the upstream's answer may still come leaves a tombstone, which takes
// that answer: the client must not get two.
type inflight struct {
	table   *exchanges // nil while the client is idle
	parking *parking   // of them, those that may not be sent yet; nil: there are none
	leases  *leases    // nil while the client is idle
	count   int        // without tombstones
	polls   int        // of them, those that a broker may hold (route.Poll)
	waiting int32      // of them, those not handed to an upstream
	asking  int32      // of them, those that the cluster has, and route replies
	counted int32      // bytes of the budget
	begun   uint8      // requests since the client was idle, up to enoughToKeep
}

// add puts a request to those that wait.
func (fl *inflight) add(x *messages.Exchange) {
	if fl.table == nil {
		fl.table = newExchanges()
	}
	fl.table.add(x)
	fl.note(x, 1)
}

// note counts a request that came or went.
func (fl *inflight) note(x *messages.Exchange, n int) {
	if x.Tombstone {
		return
	}
	fl.count += n
	if route.Poll(x.Header.Code) {
		fl.polls += n
	}
	if n < 0 && x.Pass != nil {
		x.Pass.End()
		x.Pass = nil
	}
}

// hand notes that a request no longer waits for its upstream, and reports whether it did.
func (fl *inflight) hand(x *messages.Exchange) bool {
	waited := x.Waiting
	if waited {
		x.Waiting = false
		fl.waiting--
	}
	return waited
}

// wait notes that a request waits for its upstream.
func (fl *inflight) wait(x *messages.Exchange) {
	x.Waiting = true
	fl.waiting++
}

// take removes the oldest request with this opaque that was relayed to a link; nil is none.
func (fl *inflight) take(link uint16, opaque int32) *messages.Exchange {
	x := fl.table.takeRelayed(link, opaque)
	if x != nil {
		fl.note(x, -1)
	}
	return x
}

// remove removes a request and reports whether it was there.
func (fl *inflight) remove(x *messages.Exchange) bool {
	found := fl.table.remove(x)
	if found {
		fl.note(x, -1)
		if x.Parked {
			fl.parking.forget(x)
		}
	}
	return found
}

// onlyPolls reports that all requests in flight are polls, which the broker has and may hold, or which are parked. It is asked after each message, so the
// table is looked through only when there is nothing but polls in it.
func (fl *inflight) onlyPolls() bool {
	if fl.polls < fl.count {
		return false
	}
	for x := range fl.table.all() {
		if !x.Relayed && !x.Parked {
			return false
		}
	}
	return true
}

// handedTo is how many requests a link's upstream has to answer.
func (fl *inflight) handedTo(link uint16) (n int) {
	for x := range fl.table.all() {
		if x.Relayed && x.Link == link && !x.Waiting && !x.Tombstone {
			n++
		}
	}
	return n
}

// relayed are the requests that wait for a link's upstream, of one opaque the oldest first, and tombstones.
func (fl *inflight) relayed(link uint16) (list []*messages.Exchange) {
	for x := range fl.table.all() {
		if x.Relayed && x.Link == link {
			list = append(list, x)
		}
	}
	return list
}

// leaveTombstone leaves a tombstone for an answer of the upstream that is to be dropped when it comes.
func (fl *inflight) leaveTombstone(link uint16, h codec.Header, arrived int64) {
	fl.add(&messages.Exchange{Header: h, Arrived: arrived, Link: link, Relayed: true, Tombstone: true})
}

// What requests cost in bytes: a request actor with its exchange, mailbox and place in the registry; and an exchange
// alone, of a tombstone. They are measured (TestWhatARequestCosts).
const (
	leaseCost    = 1100
	exchangeCost = 250
)

// bytes is what the requests and the actors that wait for work cost.
func (fl *inflight) bytes() int {
	n := 0
	if l := fl.leases; l != nil {
		n += int(unsafe.Sizeof(*l)) + int(l.n)*leaseCost + cap(l.free)*int(unsafe.Sizeof(l.free[0]))
	}
	if t := fl.table; t != nil {
		n += (t.len()-fl.count)*exchangeCost + len(t.chains)*int(unsafe.Sizeof(t.chains[0]))
	}
	return n
}

// begin leases a request actor for a request and notes that it waits: for a link, or for the proxy's own answer (nil).
func (c *connection) begin(f *codec.Frame, l *link) *messages.Exchange {
	x := c.lease()
	x.Header, x.Arrived, x.AskedOffset = f.Header, c.lastTraffic, messages.NoOffset
	if m := c.links.many; m != nil {
		x.Arrived = m.arrived
	}
	if l != nil {
		x.Relayed, x.Link = true, l.number
	}
	c.flight.add(x)
	if c.flight.begun < enoughToKeep {
		c.flight.begun++
	}
	c.samples.add(messages.Sample{Kind: messages.RequestRead, Code: x.Header.Code})
	if l == nil || !l.isUp() {
		c.flight.wait(x)
		c.samples.add(messages.Sample{Kind: messages.RequestWaiting, Code: x.Header.Code})
	}
	start(x)
	return x
}

// start has a request's actor work on it.
func start(x *messages.Exchange) {
	if !x.Progress.Begin() {
		x.Process.SendUserMessage(x.Actor, &x.Begin)
	}
}

// remove forgets a request and reports whether it was there.
func (c *connection) remove(x *messages.Exchange) bool {
	if !c.flight.remove(x) {
		return false
	}
	if x.Relayed && (!x.Tombstone || x.PartOf != nil) {
		c.links.at(int(x.Link)).bulk.remove(x)
	}
	return true
}

// handed notes that a request no longer waits for its upstream.
func (c *connection) handed(x *messages.Exchange) {
	if c.flight.hand(x) {
		c.samples.add(messages.Sample{Kind: messages.RequestHanded, Code: x.Header.Code})
	}
}

// reply has the request's actor make a local reply.
func (c *connection) reply(x *messages.Exchange, code int32, remark string, body []byte) {
	x.Reply.Code, x.Reply.Remark, x.Reply.Body = code, remark, body
	c.tell(x, &x.Reply)
}

// tell gives a request's actor its last message. Request actors run at once, so mostly the request is settled when
// that returns, and no further message is needed.
func (c *connection) tell(x *messages.Exchange, last any) {
	x.Progress.Await()
	x.Process.SendUserMessage(x.Actor, last)
	if x.Progress.Done() {
		c.settled(x)
	}
}

// settled takes a request's actor back, and gives the client the local reply if it still waits for one.
func (c *connection) settled(x *messages.Exchange) {
	fan := c.fanOutOver(x)
	c.routes.made(x)
	if x.Answer == nil { // the upstream's answer was passed on: take has removed it, and nothing else refers to it
		x.Reset()
		c.giveBack(x)
		return
	}
	next := messages.NewExchange()
	next.Actor, next.Process, x.Actor, x.Process = x.Actor, x.Process, nil, nil
	c.giveBack(next)
	if !c.remove(x) { // it has expired, or is the upstream's by now
		return
	}
	c.handed(x)
	c.samples.add(messages.Sample{
		Kind: messages.RequestAnswered, Local: fan == nil || len(fan.Targets) == 0, Code: x.Header.Code, Response: x.ResponseCode,
		Nanos: c.env.Now() - x.Arrived,
	})
	if x.Relayed { // its actor failed while the upstream has it or will get it
		c.flight.leaveTombstone(x.Link, x.Header, x.Arrived)
	}
	c.out.reply(x.Answer)
	c.beatAnswered(fan, x.Answer)
}
