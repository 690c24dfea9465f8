package transport

import (
	"errors"
	"io"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rawRead and rawWrite are system calls that the scheduler does not see: they return at once. On a socket recvfrom and
// sendto are cheaper than read and write, which go through the file system's layer.
func rawRead(fd int, b []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		messageFlags, 0, 0)
	return int(n), errno
}

func rawWrite(fd int, b []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		messageFlags, 0, 0)
	return int(n), errno
}

// messageFlags are those of every read and write: none waits, none raises SIGPIPE.
const messageFlags = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL

// temporary reports that a socket has nothing to read, or no room, for now.
func temporary(errno syscall.Errno) bool {
	return errno == syscall.EAGAIN || errno == syscall.EINTR || errno == syscall.ENOBUFS
}

// read reads once and reports whether something came; what is left makes the next event. So a busy socket does not
// starve the others of its loop.
func (c *loopConn) read() bool {
	c.takeBuffer()
	return c.hasRead(rawRead(c.fd, c.readBuf[c.carry:]))
}

// hasRead deals with what a read has returned.
func (c *loopConn) hasRead(n int, errno syscall.Errno) bool {
	switch {
	case temporary(errno):
		c.dropBuffer()
	case errno != 0:
		c.fail(os.NewSyscallError("read", errno))
	case n == 0:
		c.fail(io.EOF)
	default:
		c.sizer.next(n, len(c.readBuf)-c.carry)
		c.hand(c.carry + n)
		return true
	}
	return false
}

// takeBuffer makes sure that there is a buffer; with something carried over there is one already (hand).
func (c *loopConn) takeBuffer() {
	if c.readBuf == nil {
		c.readBuf = getBuffer(c.loop.t.net.pieces(int(c.sizer.size)))
	}
}

func (c *loopConn) dropBuffer() {
	if c.carry == 0 {
		putBuffer(c.readBuf)
		c.readBuf = nil
	}
}

// hand delivers the first n bytes of readBuf.
func (c *loopConn) hand(n int) {
	buf := c.readBuf
	before := c.waiting()
	if c.carry > 0 && waitsForMore(buf[:n], c.split.Limits) {
		c.readBuf, c.carry = withRoom(buf, n), n
		c.loop.hold(c.waiting() - before)
		if !c.readable() {
			c.want()
		}
		return
	}
	c.readBuf, c.carry = nil, 0
	chunk, carry := newChunk(buf, n, &c.split, &c.loop.layouts, c)
	c.sizer.fit(n, len(chunk.Frames))
	if carry > 0 {
		c.readBuf, c.carry = carryOver(buf[n-carry:n], int(c.sizer.size)), carry
	}
	c.handed += chunk.size()
	c.loop.hold(chunk.size() + c.waiting() - before)
	if !c.readable() {
		c.want()
	}
	if len(chunk.B) == 0 && chunk.Err == nil {
		chunk.Release()
		return
	}
	bad := chunk.Err
	c.deliver(chunk)
	if bad != nil {
		c.fail(bad)
	}
}

// credit takes the bytes of a released chunk back.
func (c *loopConn) credit(n int) {
	c.handed -= n
	c.loop.hold(-n)
	if c.events&unix.EPOLLIN == 0 {
		c.want()
	}
}

// waiting is the size of the buffer that the beginning of a header waits in.
func (c *loopConn) waiting() int {
	if c.carry == 0 {
		return 0
	}
	return cap(c.readBuf)
}

func (c *loopConn) Write(b []byte, owner *Chunk) {
	if len(b) == 0 || c.closed || c.fault != nil {
		return
	}
	later := c.loop.posting && len(b) <= largestPost
	if !later {
		c.sendPosted()
	}
	switch {
	case c.fault != nil:
	case c.kept > 0 || c.connecting:
		c.keep(b, owner)
	case later:
		c.loop.post(c, b, owner)
	default:
		n, errno := rawWrite(c.fd, b)
		c.hasWritten(b, owner, n, errno)
	}
}

// hasWritten deals with what a write has returned.
func (c *loopConn) hasWritten(b []byte, owner *Chunk, n int, errno syscall.Errno) {
	switch {
	case temporary(errno):
		c.keep(b, owner)
	case errno != 0:
		c.failWriting(errno)
	case n < len(b):
		c.keep(b[n:], owner)
	}
}

// keep keeps what did not fit into the socket.
func (c *loopConn) keep(b []byte, owner *Chunk) {
	if owner != nil {
		owner.Retain()
	}
	c.out = append(c.out, segment{b, owner})
	c.kept += len(b)
	c.want()
}

// sendPosted sends what the connection has written in this round and waits for its end.
func (c *loopConn) sendPosted() {
	if c.posted {
		c.loop.sendPosts()
	}
}

// maxVectors is how many segments one system call takes.
const maxVectors = 64

// drain writes what is kept, as far as it goes.
func (c *loopConn) drain() {
	if c.kept == 0 { // also when it is closed
		return
	}
	for c.kept > 0 {
		vectors := make([][]byte, 0, min(len(c.out), maxVectors))
		for _, s := range c.out[:cap(vectors)] {
			vectors = append(vectors, s.b)
		}
		n, err := unix.SendmsgBuffers(c.fd, vectors, nil, nil, messageFlags)
		if errno := syscall.Errno(0); errors.As(err, &errno) && temporary(errno) {
			break
		}
		if err != nil {
			c.failWriting(err)
			return
		}
		c.wrote(n)
	}
	if c.kept > 0 {
		return
	}
	c.out = nil
	c.want()
	c.deliver(&Drained{Conn: c})
}

// wrote takes n bytes off the front of what is kept.
func (c *loopConn) wrote(n int) {
	c.kept -= n
	c.drained += int64(n)
	for n > 0 {
		s := &c.out[0]
		if n < len(s.b) {
			s.b = s.b[n:]
			return
		}
		n -= len(s.b)
		owner := s.owner
		c.out = c.out[1:]
		if owner != nil {
			owner.Release()
		}
	}
}
