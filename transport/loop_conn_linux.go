package transport

import (
	"io"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// loopConn is a Conn on an event loop. All its methods run on the loop, so nothing here is locked. There are two for
// each client, so the order of the fields is one that leaves no gaps (TestAConnectionOnALoopIsSmall).
type loopConn struct {
	loop   *loop
	sink   Sink
	fd     int    // -1: none yet, or closed
	gen    int32  // of its registration; 0: not registered
	events uint32 // registered
	fault  error  // why writing failed; what has arrived is still read

	local      endpoint // like remote, known since the socket was connected: the log asks after its end as well
	remote     endpoint
	proxied    bool // remote is not the socket's peer
	connecting bool
	started    bool
	closed     bool
	receiving  bool // the round has received something that is not delivered yet, be it an end
	posted     bool // something was written that waits for the end of the round
	sending    bool // the first of it is being sent

	split   codec.Splitter
	first   *[]byte // what was read before Start; nil: nothing
	window  int
	readBuf []byte // nil, unless something is carried over
	carry   int    // bytes at its start: the beginning of a frame whose header is incomplete
	sizer   readSizer
	handed  int // sizes of the chunks that are out

	out     []segment
	kept    int
	drained int64 // bytes that went out after they had been kept

	cancelDial func()
}

func (c *loopConn) Executor() Executor { return c.loop }

func (c *loopConn) Kept() int {
	c.sendPosted()
	return c.kept
}

func (c *loopConn) Flow() Flow {
	f := Flow{Kept: c.kept, Drained: c.drained}
	if c.handed == 0 || c.readable() {
		f.Partial = c.carry
	}
	if c.carry > usualHeader {
		c.want() // the budget may have room by now
	}
	return f
}

// readable reports that enough of what was read has come back.
func (c *loopConn) readable() bool { return c.loop.t.net.readable(c.handed, c.carry, c.window) }

func (c *loopConn) Local() netip.AddrPort { return c.local.addrPort() }

func (c *loopConn) Remote() netip.AddrPort { return c.remote.addrPort() }

func (c *loopConn) Start(sink Sink) {
	if c.closed || c.started {
		return
	}
	c.sink, c.started = sink, true
	if c.first != nil {
		c.loop.Schedule(c.handFirst)
	} else {
		c.listen()
	}
}

// listen has the loop deliver what comes.
func (c *loopConn) listen() {
	if c.closed {
		return
	}
	if err := c.loop.add(c, c.wanted()); err != nil {
		c.failSoon(os.NewSyscallError("epoll_ctl", err))
	} else if c.fault != nil {
		c.loop.Schedule(c.lastWords)
	}
}

// handFirst delivers what was read before Start. Only then may the loop deliver more.
func (c *loopConn) handFirst() {
	if c.closed {
		return
	}
	c.readBuf = getBuffer(len(*c.first))
	n := copy(c.readBuf, *c.first)
	c.first = nil
	c.hand(n)
	c.listen()
}

// event is what epoll says. An error or a hang-up without readable bytes is found out by reading.
func (c *loopConn) event(events uint32) {
	if c.connecting {
		c.connected()
		return
	}
	if events&unix.EPOLLOUT != 0 {
		c.drain()
	}
	if c.closed || events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR) == 0 {
		return
	}
	if c.readable() {
		c.read()
	} else if events&(unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		c.fail(io.ErrUnexpectedEOF) // both directions are gone and what is left is not wanted
	}
}

// want has epoll wait for what the connection waits for now.
func (c *loopConn) want() {
	if !c.closed && c.gen != 0 {
		c.loop.set(c, c.wanted())
	}
}

func (c *loopConn) wanted() (events uint32) {
	if !c.connecting {
		if c.readable() {
			events |= unix.EPOLLIN
		} else if c.events&unix.EPOLLIN != 0 && c.handed < c.window {
			c.loop.t.net.held.pauses.Add(1)
		}
	}
	if c.kept > 0 || c.connecting {
		events |= unix.EPOLLOUT
	}
	return events
}

func (c *loopConn) Close() {
	c.sink = discard{}
	c.shut()
}

// fail closes the socket and says why, once, and after what has arrived.
func (c *loopConn) fail(err error) {
	if c.closed {
		return
	}
	if c.fault != nil {
		err = c.fault
	}
	c.shut()
	c.deliver(&Closed{Conn: c, Err: err})
}

// deliver gives the owner an event. It is the last that happens in what the loop has called, but for what looks at the
// connection again: the owner may do everything to it meanwhile.
func (c *loopConn) deliver(event any) {
	if s, ok := c.sink.(LocalSink); ok {
		s.DeliverInline(event)
		return
	}
	c.sink.Deliver(event)
}

// failSoon fails after the call of the owner that finds out has returned.
func (c *loopConn) failSoon(err error) {
	c.loop.Schedule(func() { c.fail(err) })
}

// failWriting ends writing. Closed comes later, after what has arrived: a peer that answered and left resets what is
// written to it, and its answers are still good.
func (c *loopConn) failWriting(err error) {
	c.fault = os.NewSyscallError("write", err)
	c.forget()
	c.want()
	c.loop.Schedule(c.lastWords)
}

// lastWords reads what there is on a socket that can no longer be written, and ends it.
func (c *loopConn) lastWords() {
	if !c.started {
		return // Start comes here again
	}
	c.deliverFirst()
	for !c.closed && c.handed < c.window && c.read() {
	}
	c.fail(c.fault)
}

func (c *loopConn) shut() {
	if c.closed {
		return
	}
	c.sendPosted()
	c.closed, c.receiving = true, false
	if c.cancelDial != nil {
		c.cancelDial()
	}
	c.loop.remove(c)
	if c.fd >= 0 {
		unix.Close(c.fd)
		c.fd = -1
	}
	if c.readBuf != nil {
		c.loop.hold(-c.waiting())
		putBuffer(c.readBuf)
		c.readBuf, c.carry = nil, 0
	}
	c.forget()
}

// forget gives up what was kept.
func (c *loopConn) forget() {
	dropped := c.out
	c.out, c.kept = nil, 0
	for _, s := range dropped {
		if s.owner != nil {
			s.owner.Release()
		}
	}
}
