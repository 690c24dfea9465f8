package connection

import (
	"slices"
	"time"
	"unsafe"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// A broker makes the answer to a pull in memory that it has little of (direct memory), and keeps it until it is taken. A
// client that pulls much and reads little would use that up, and a broker without it serves nobody. So what a client has
// outstanding is bounded by the bytes that its answers are expected to have; further requests for messages wait here, and
// what the client sends behind them.
//
// A poll that the broker holds costs nothing. It cannot be told from one whose answer is on its way but by time, so a
// request counts until it is answered, or until the broker had heldAfter to answer it and has not: the upstream has been
// silent for so long while it was being read, or has answered what was asked for so much later. While the client does
// not take what it is given, neither happens: it has to read first. Otherwise the wait is never longer than heldAfter.

// What may be expected, in bytes.
const (
	mostExpected         = 4 << 20   // by one client
	mostExpectedOfBroker = 64 << 20  // by all clients of a broker together, before each has
	leastExpected        = 256 << 10 // only so much

	firstAnswer   = 256 << 10 // as much as a broker puts into one answer (maxTransferBytesOnMessageInMemory)
	leastAnswer   = 64 << 10
	answerDecay   = 16 // an answer that is smaller than what was expected counts as one of so many
	lookAtBulkFor = 25 * time.Millisecond
)

// bulk are the requests of one client whose answers may be large and have not come yet. nil are none.
type bulk struct {
	of       *messages.Expected // of all clients of the broker
	young    []bulkRequest      // those that the broker does not hold, in their order
	bytes    int64              // expected for them
	size     int64              // expected for the next
	answered int64              // when the youngest request was passed on that has an answer
	heard    int64              // when the upstream last brought something, or began to be read again
	stuck    int64              // bytes of them that are outstanding while the client does not read
	shut     bool               // a request waits
	watching bool               // a timer will look again
}

type bulkRequest struct {
	x     *messages.Exchange
	at    int64 // when it was passed on, on the process clock
	bytes int64
}

// lookAtBulk comes when requests may have become old enough not to count.
type lookAtBulk struct{}

func newBulk(of *messages.Expected) *bulk { return &bulk{of: of, size: firstAnswer} }

// add counts a request that is passed on.
func (b *bulk) add(x *messages.Exchange, at int64) {
	b.young = append(b.young, bulkRequest{x, at, b.size})
	b.bytes += b.size
	b.of.Add(at, b.size)
}

// remove no longer counts a request, which may be one that is not counted.
func (b *bulk) remove(x *messages.Exchange) {
	if b == nil || !route.Bulky(x.Header.Code) {
		return
	}
	if i := slices.IndexFunc(b.young, func(r bulkRequest) bool { return r.x == x }); i >= 0 {
		b.bytes -= b.young[i].bytes
		b.of.Take(b.young[i].at, b.young[i].bytes)
		b.young = slices.Delete(b.young, i, i+1)
	}
}

// learn takes the size of the answer to a request. That it has come says of those before it that theirs has not.
func (b *bulk) learn(x *messages.Exchange, size int) {
	if b == nil {
		return
	}
	b.answered = max(b.answered, x.Arrived)
	if !route.Bulky(x.Header.Code) {
		return
	}
	if n := int64(size); n > b.size {
		b.size = n
	} else {
		b.size = max(b.size-(b.size-n)/answerDecay, leastAnswer)
	}
}

// forgetHeld no longer counts what the broker holds. flowing says that what it answers would come.
func (b *bulk) forgetHeld(now int64, flowing bool) {
	seen := b.answered
	if flowing && now-b.heard >= int64(heldAfter) {
		seen = now
	}
	n := 0
	for n < len(b.young) && seen-b.young[n].at >= int64(heldAfter) {
		b.bytes -= b.young[n].bytes
		n++
	}
	if n > 0 { // who has many queues without messages has more of them
		b.size = max(b.size/2, leastAnswer)
	}
	b.young = slices.Delete(b.young, 0, n)
}

// room reports whether another request may be passed on. It may exceed the bound, which is meant for many.
func (b *bulk) room(now int64) bool {
	most := int64(mostExpected)
	if b.of.Bytes(now) >= mostExpectedOfBroker {
		most = leastExpected
	}
	return b.bytes < most
}

// begin has the time of what was passed on begin: the upstream is connected.
func (b *bulk) begin(now int64) {
	if b == nil {
		return
	}
	b.heard = now
	for i := range b.young {
		r := &b.young[i]
		b.of.Take(r.at, r.bytes)
		r.at = now
		b.of.Add(r.at, r.bytes)
	}
}

// hear notes that the upstream has brought something, or begins to be read again.
func (b *bulk) hear(now int64) {
	if b != nil {
		b.heard = now
	}
}

// note tells the broker's other clients what is outstanding while the client does not read.
func (b *bulk) note(unread bool) {
	stuck := int64(0)
	if unread {
		stuck = b.bytes
	}
	if stuck != b.stuck {
		b.of.AddStuck(stuck - b.stuck)
		b.stuck = stuck
	}
}

// release gives back what is counted.
func (b *bulk) release() {
	if b == nil {
		return
	}
	for _, r := range b.young {
		b.of.Take(r.at, r.bytes)
	}
	b.young, b.bytes = nil, 0
	b.note(false)
}

// looked notes that the timer has come.
func (b *bulk) looked() {
	if b != nil {
		b.watching = false
	}
}

// cost is what it takes in memory.
func (b *bulk) cost() int {
	if b == nil {
		return 0
	}
	return int(unsafe.Sizeof(*b)) + cap(b.young)*int(unsafe.Sizeof(bulkRequest{}))
}

// exceeds reports whether a request for a link has to wait because of what is expected for those before it.
func (c *connection) exceeds(l *link, h *codec.Header) bool {
	if l.bulk == nil || !route.Bulky(h.Code) || !h.ExpectsResponse() {
		return false
	}
	l.bulk.shut = !c.mayExpectMore(l)
	return l.bulk.shut
}

// bulkWaits reports that a request waits so.
func (c *connection) bulkWaits() (waits bool) {
	for i := range c.links.len() {
		if l := c.links.at(i); l.bulk != nil && l.bulk.shut {
			l.bulk.shut = !c.mayExpectMore(l)
			waits = waits || l.bulk.shut
		}
	}
	return waits
}

func (c *connection) mayExpectMore(l *link) bool {
	now := c.env.Now()
	l.bulk.forgetHeld(now, l.isUp() && c.out.sock.Kept() == 0)
	return l.bulk.room(now)
}

// expect counts a request that is passed on to a broker, if its answer may be large.
func (c *connection) expect(l *link, x *messages.Exchange) {
	if !route.Bulky(x.Header.Code) {
		return
	}
	if l.bulk == nil {
		of := c.destination(l).Expected()
		if of == nil { // it is a name server
			return
		}
		l.bulk = newBulk(of)
	}
	l.bulk.add(x, c.env.Now())
}

// watchBulk looks after what is expected once a message has been dealt with. A client that has to read first brings an
// event when it does.
func (c *connection) watchBulk() {
	for i := range c.links.len() {
		l := c.links.at(i)
		b := l.bulk
		if b == nil {
			continue
		}
		b.note(c.unread())
		if b.shut && !b.watching && l.isUp() && c.out.sock.Kept() == 0 {
			b.watching = true
			system.After(lookAtBulkFor, c.self, &lookAtBulk{})
		}
	}
}

// lookedAtBulk notes that the timer has come.
func (c *connection) lookedAtBulk() {
	for i := range c.links.len() {
		c.links.at(i).bulk.looked()
	}
}

// hearBulk notes that upstreams may be read again.
func (c *connection) hearBulk() {
	for i := range c.links.len() {
		c.links.at(i).bulk.hear(c.env.Now())
	}
}
