package transport

import (
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// segment is a part of a write that did not fit.
type segment struct {
	b     []byte
	owner *Chunk // nil: b is the connection's own
}

// netConn is a Conn on goroutines. mu guards everything that the owner, the reader and the writer share; delivering
// is held while the sink gets an event, never together with mu.
type netConn struct {
	t       *Net
	nc      net.Conn        // set once connected
	raw     syscall.RawConn // nil where the socket is not the kernel's
	remote  netip.AddrPort  // what a PROXY header said; invalid: the socket's own
	secured bool            // under TLS
	first   []byte          // what was read before Start; nil: nothing
	home    Executor        // where the chunks that it writes are given back: their sockets may be a loop's

	mu         sync.Mutex
	delivering sync.Mutex
	wake       sync.Cond // credit came back, a write failed, or the connection was closed
	sink       Sink
	out        []segment
	kept       int
	drained    int64 // bytes that went out after they had been kept
	handed     int   // sizes of the chunks that are out
	counted    int   // of what is held, what the transport's holding knows of
	partial    int   // carry, for Flow
	ready      bool
	writing    bool // a writer goroutine exists
	closed     bool
	gone       bool  // somebody else has the socket (Take)
	ended      bool  // Closed has been sent
	fault      error // why writing failed; what has arrived is still read

	// The reader's own.
	split   codec.Splitter
	window  int
	readBuf []byte // nil while waiting, unless something is carried over
	carry   int    // bytes at its start: the beginning of a frame whose header is incomplete
	begun   bool   // a frame was delivered
	sizer   readSizer
	readN   int
	readErr error
	readFn  func(fd uintptr) bool

	// Of a write attempt, under mu.
	writeBuf []byte
	writeN   int
	writeErr error
	writeFn  func(fd uintptr) bool
}

func (t *Net) newConn(nc net.Conn) *netConn {
	c := &netConn{t: t, home: Inline{}, sizer: readSizer{size: minBuffer}}
	c.split.Limits, c.window = t.tuning().limits, t.tuning().window
	c.wake.L = &c.mu
	c.readFn, c.writeFn = c.readOnce, c.writeOnce
	c.attach(nc)
	return c
}

func (c *netConn) attach(nc net.Conn) {
	c.nc = nc
	_, c.secured = nc.(tlsConn)
	c.raw = rawSocket(nc)
}

func (c *netConn) Local() netip.AddrPort {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nc == nil {
		return netip.AddrPort{}
	}
	return addrPort(c.nc.LocalAddr())
}

func (c *netConn) Remote() netip.AddrPort {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.remote.IsValid() {
		return c.remote
	}
	if c.nc == nil {
		return netip.AddrPort{}
	}
	return addrPort(c.nc.RemoteAddr())
}

func (c *netConn) Executor() Executor { return Inline{} }

func (c *netConn) Start(sink Sink) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.sink = sink
		go c.readLoop()
	}
}

func (c *netConn) Kept() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept
}

func (c *netConn) Flow() Flow {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := Flow{Kept: c.kept, Drained: c.drained}
	if c.handed == 0 || c.readableLocked() {
		f.Partial = c.partial
	}
	if c.partial > usualHeader {
		c.wake.Broadcast() // the budget may have room by now
	}
	return f
}

// readableLocked reports that enough of what was read has come back.
func (c *netConn) readableLocked() bool { return c.t.readable(c.handed, c.partial, c.window) }

func (c *netConn) dial(address string, o opening) {
	nc, err := c.t.open(address, o)
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		if err == nil {
			nc.Close()
		}
		return
	}
	if err != nil {
		c.mu.Unlock()
		c.deliverClosed(err)
		return
	}
	c.attach(nc)
	c.mu.Unlock()
	c.deliver(&Connected{Conn: c})
	c.mu.Lock()
	c.ready = true // only now, so that Drained follows Connected
	c.startWriterLocked()
	c.mu.Unlock()
	c.readLoop()
}

func (c *netConn) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeLocked()
}

// closeLocked is the owner's close: no event follows.
func (c *netConn) closeLocked() {
	c.sink = discard{}
	c.shutLocked()
}

// shutLocked closes the socket and forgets what was kept. The reader wakes up and ends.
func (c *netConn) shutLocked() {
	if c.closed {
		return
	}
	c.closed = true
	if c.nc != nil && !c.gone {
		c.nc.Close()
	}
	c.forgetLocked()
	c.wake.Broadcast()
}

// forgetLocked gives up what was kept.
func (c *netConn) forgetLocked() {
	dropped := c.out
	c.out, c.kept = nil, 0
	// Release may lead into another connection's lock, never into this one's: credits go to the source of a chunk.
	c.mu.Unlock()
	c.giveBack(dropped)
	c.mu.Lock()
}

// giveBack releases the chunks of segments that are done with.
func (c *netConn) giveBack(done []segment) {
	if len(done) == 0 {
		return
	}
	c.home.Schedule(func() {
		for _, s := range done {
			if s.owner != nil {
				s.owner.Release()
			}
		}
	})
}

type discard struct{}

func (discard) Deliver(event any) {
	if c, ok := event.(*Chunk); ok {
		c.Release()
	}
}

// deliver hands an event to the sink: one at a time, though the reader and the writer have some, and nothing after Closed.
func (c *netConn) deliver(event any) {
	c.delivering.Lock()
	defer c.delivering.Unlock()
	c.mu.Lock()
	sink, ended := c.sink, c.ended
	if _, last := event.(*Closed); last {
		c.ended = true
	}
	c.mu.Unlock()
	if !ended && sink != nil {
		sink.Deliver(event)
	}
}

// deliverClosed is the reader's last act.
func (c *netConn) deliverClosed(err error) {
	c.mu.Lock()
	if c.fault != nil {
		err = c.fault
	}
	c.shutLocked()
	c.dropCarryLocked()
	c.mu.Unlock()
	if err == nil {
		err = io.EOF
	}
	c.deliver(&Closed{Conn: c, Err: err})
}
