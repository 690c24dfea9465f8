package transport

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

func (c *netConn) Write(b []byte, owner *Chunk) {
	if len(b) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.fault != nil {
		return
	}
	if c.ready && c.kept == 0 && c.raw != nil {
		n, err := c.tryLocked(b)
		if err != nil {
			c.failLocked(err)
			return
		}
		if b = b[n:]; len(b) == 0 {
			return
		}
	}
	if owner != nil {
		owner.Retain()
	}
	c.out = append(c.out, segment{b, owner})
	c.kept += len(b)
	c.startWriterLocked()
}

// tryLocked writes what fits now.
func (c *netConn) tryLocked(b []byte) (int, error) {
	c.writeBuf, c.writeN, c.writeErr = b, 0, nil
	err := c.raw.Write(c.writeFn)
	c.writeBuf = nil
	if err == nil {
		err = c.writeErr
	}
	return c.writeN, err
}

// writeOnce is the body of a raw write: it never asks to wait.
func (c *netConn) writeOnce(fd uintptr) bool {
	for {
		n, err := writeSocket(fd, c.writeBuf)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
		case err != nil:
			c.writeErr = err
		default:
			c.writeN = n
		}
		return true
	}
}

// failLocked ends writing. The reader delivers Closed, after what has arrived: a peer that answered and left resets what
// is written to it, and its answers are still good.
func (c *netConn) failLocked(err error) {
	if c.fault != nil || c.closed {
		return
	}
	c.fault = fmt.Errorf("cannot write: %w", err)
	c.forgetLocked()
	c.wake.Broadcast()
	time.AfterFunc(lastWords, func() { c.nc.Close() })
}

// lastWords is how long a socket may be read after a write to it failed. The kernel's end at once; this is for others.
const lastWords = time.Second

func (c *netConn) startWriterLocked() {
	if c.ready && !c.writing && c.kept > 0 {
		c.writing = true
		go c.writeLoop()
	}
}

// writeLoop runs on a goroutine of its own for as long as something is kept.
func (c *netConn) writeLoop() {
	c.mu.Lock()
	for c.kept > 0 { // neither closed nor failed
		batch := c.takeBatchLocked()
		c.mu.Unlock()
		n, err := c.writeBatch(batch)
		c.mu.Lock()
		c.kept = max(c.kept-n, 0) // a close meanwhile has set it to 0
		c.drained += int64(n)
		if err != nil {
			c.failLocked(err)
		}
	}
	c.writing = false
	over := c.closed || c.fault != nil
	c.mu.Unlock()
	if !over {
		c.deliver(&Drained{Conn: c})
	}
}

// maxBatch is how many bytes are written before Kept and Flow show it: little enough that a slow reader is not taken
// for one that takes nothing.
const maxBatch = 64 << 10

// takeBatchLocked takes what is written next. A part of a segment has a reference of its own, as a close meanwhile
// gives the rest back.
func (c *netConn) takeBatchLocked() (batch []segment) {
	for room := maxBatch; room > 0 && len(c.out) > 0; {
		s := &c.out[0]
		if len(s.b) > room {
			if s.owner != nil {
				s.owner.Retain()
			}
			batch = append(batch, segment{s.b[:room], s.owner})
			s.b = s.b[room:]
			break
		}
		batch = append(batch, *s)
		room -= len(s.b)
		c.out = c.out[1:]
	}
	if len(c.out) == 0 {
		c.out = nil
	}
	return batch
}

// writeBatch writes segments one after another in as few calls as the system allows and gives their chunks back.
func (c *netConn) writeBatch(batch []segment) (n int, err error) {
	bufs := make(net.Buffers, 0, len(batch))
	for _, s := range batch {
		n += len(s.b)
		bufs = append(bufs, s.b)
	}
	_, err = bufs.WriteTo(c.nc)
	c.giveBack(batch)
	return n, err
}
