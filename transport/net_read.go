package transport

import (
	"errors"
	"io"
	"sync"
	"syscall"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// readLoop runs on its own goroutine until the socket ends.
func (c *netConn) readLoop() {
	if c.first != nil && !c.handFirst() {
		return
	}
	for c.waitForWindow() {
		n, err := c.fill()
		if n > 0 {
			if !c.hand(n) {
				return
			}
		}
		if err != nil {
			c.deliverClosed(err)
			return
		}
	}
	c.deliverClosed(nil)
}

// handFirst delivers what was read before Start.
func (c *netConn) handFirst() bool {
	c.readBuf = getBuffer(len(c.first))
	n := copy(c.readBuf, c.first)
	c.first = nil
	return c.hand(n)
}

// awaitReturn waits until a chunk has come back, the last of handed bytes: until then its owner may Take the socket.
func (c *netConn) awaitReturn(handed int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.handed >= handed && !c.closed {
		c.wake.Wait()
	}
}

// waitForWindow waits until enough chunks have come back. It reports false when there is nothing to wait for: the
// connection was closed, or writing has failed and nobody wants what is left.
func (c *netConn) waitForWindow() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.countLocked()
	if c.handed < c.window && !c.readableLocked() {
		c.t.held.pauses.Add(1)
	}
	for !c.readableLocked() && !c.closed && c.fault == nil {
		c.wake.Wait()
	}
	return !c.closed && c.handed < c.window
}

// countLocked counts what is held by now. What has been given back by the time the reader goes on is never counted.
func (c *netConn) countLocked() {
	held := c.handed
	if c.carry > 0 {
		held += cap(c.readBuf)
	}
	if held != c.counted {
		c.t.held.bytes.Add(int64(held - c.counted))
		c.counted = held
	}
}

// dropCarryLocked is for the reader's end.
func (c *netConn) dropCarryLocked() {
	if c.readBuf != nil {
		putBuffer(c.readBuf)
		c.readBuf, c.carry, c.partial = nil, 0, 0
	}
	c.countLocked()
}

// credit takes the bytes of a released chunk back.
func (c *netConn) credit(n int) {
	c.mu.Lock()
	c.handed -= n
	if back := min(n, c.counted); back > 0 {
		c.counted -= back
		c.t.held.bytes.Add(int64(-back))
	}
	c.mu.Unlock()
	c.wake.Signal()
}

// fill reads once, behind what was carried over, and leaves the bytes in readBuf; n counts them with the carried ones.
func (c *netConn) fill() (n int, err error) {
	if c.raw == nil {
		c.takeBuffer()
		m, err := c.nc.Read(c.readBuf[c.carry:])
		return c.filled(m), err
	}
	if err := c.raw.Read(c.readFn); err != nil {
		return 0, err
	}
	if c.readErr == nil && c.readN == 0 {
		return 0, io.EOF
	}
	return c.filled(c.readN), c.readErr
}

// readOnce is the body of a raw read: false means not readable yet, wait. A waiting connection holds no buffer
// unless a part of a header has come.
func (c *netConn) readOnce(fd uintptr) bool {
	c.takeBuffer()
	for {
		c.readN, c.readErr = readSocket(fd, c.readBuf[c.carry:])
		if !errors.Is(c.readErr, syscall.EINTR) {
			break
		}
	}
	if c.readN < 0 {
		c.readN = 0
	}
	if errors.Is(c.readErr, syscall.EAGAIN) {
		c.dropBuffer()
		return false
	}
	return true
}

// takeBuffer makes sure that there is a buffer; with something carried over there is one already (hand).
func (c *netConn) takeBuffer() {
	if c.readBuf == nil {
		c.readBuf = getBuffer(c.t.pieces(int(c.sizer.size)))
	}
}

func (c *netConn) dropBuffer() {
	if c.carry == 0 {
		putBuffer(c.readBuf)
		c.readBuf = nil
	}
}

// maxRecord is the most that one read under TLS returns (RFC 8446, 5.1). Such a connection holds its buffer while it
// waits, so it should be no larger.
const maxRecord = 16 << 10

// filled accounts for m new bytes.
func (c *netConn) filled(m int) int {
	c.sizer.next(m, len(c.readBuf)-c.carry)
	if c.secured {
		c.sizer.size = min(c.sizer.size, maxRecord)
	}
	return c.carry + m
}

// layouts are lent to readers, which are many, for the time of one read.
var layouts = sync.Pool{New: func() any { return new(codec.Layouts) }}

// hand delivers the first n bytes of readBuf. It reports false when they were no frames: the stream is over.
func (c *netConn) hand(n int) bool {
	buf := c.readBuf
	if c.carry > 0 && waitsForMore(buf[:n], c.split.Limits) {
		c.readBuf, c.carry = withRoom(buf, n), n
		c.mu.Lock()
		c.partial = n
		c.mu.Unlock()
		return true
	}
	c.readBuf, c.carry = nil, 0
	known := layouts.Get().(*codec.Layouts)
	chunk, carry := newChunk(buf, n, &c.split, known, c)
	c.sizer.fit(n, len(chunk.Frames))
	layouts.Put(known)
	if carry > 0 {
		c.readBuf, c.carry = carryOver(buf[n-carry:n], int(c.sizer.size)), carry
	}
	c.mu.Lock()
	c.handed += chunk.size()
	handed := c.handed
	c.partial = c.carry
	c.mu.Unlock()
	bad, alone := chunk.Err, len(chunk.B) == 0
	if alone && bad == nil {
		chunk.Release()
		return true
	}
	c.deliver(chunk)
	if bad != nil {
		if alone && !c.begun {
			c.awaitReturn(handed)
		}
		c.deliverClosed(bad)
		return false
	}
	c.begun = true
	return true
}
