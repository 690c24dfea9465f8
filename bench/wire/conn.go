//go:build linux

package wire

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Peer deals with the frames of a connection. It appends its answers to Loop.Batch.
type Peer interface {
	Frame(c *Conn, head []byte)
	Closed(c *Conn, err error)
}

// Conn is one non-blocking socket on a loop.
type Conn struct {
	Loop   *Loop
	fd     int
	peer   Peer
	frames frames
	out    [][]byte // what did not fit, as it stands
	Index  int      // free for the peer
}

// Adopt takes over a connected socket.
func (l *Loop) Adopt(fd int, p Peer) (*Conn, error) {
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return nil, err
	}
	c := &Conn{Loop: l, fd: fd, peer: p}
	return c, l.Add(fd, unix.EPOLLIN, c)
}

// Ready reads and writes.
func (c *Conn) Ready(events uint32) {
	if events&unix.EPOLLOUT != 0 {
		c.drain()
	}
	if events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR) == 0 || c.fd < 0 {
		return
	}
	n, err := unix.Read(c.fd, c.Loop.in)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return
	case err == nil && n == 0:
		err = io.EOF
	case err == nil:
		c.Loop.Batch = c.Loop.Batch[:0]
		err = c.frames.feed(c.Loop.in[:n], func(head []byte) { c.peer.Frame(c, head) })
		c.Flush()
	}
	if err != nil {
		c.fail(err)
	}
}

// Flush writes the batch.
func (c *Conn) Flush() {
	c.Write(c.Loop.Batch, nil)
	c.Loop.Batch = c.Loop.Batch[:0]
}

// Write writes own and shared in one call. What does not fit is kept: own as a copy, shared as it is.
func (c *Conn) Write(own, shared []byte) {
	if len(own)+len(shared) == 0 || c.fd < 0 {
		return
	}
	n := 0
	if len(c.out) == 0 {
		var err error
		if shared == nil {
			n, err = unix.Write(c.fd, own)
		} else {
			n, err = unix.Writev(c.fd, [][]byte{own, shared})
		}
		if err != nil && err != unix.EAGAIN && err != unix.EINTR {
			c.fail(os.NewSyscallError("write", err))
			return
		}
		n = max(n, 0)
	}
	if n == len(own)+len(shared) {
		return
	}
	if n < len(own) {
		c.out = append(c.out, append([]byte(nil), own[n:]...))
		n = len(own)
	}
	if rest := shared[n-len(own):]; len(rest) > 0 {
		c.out = append(c.out, rest)
	}
	c.want()
}

func (c *Conn) want() {
	events := uint32(unix.EPOLLIN)
	if len(c.out) > 0 {
		events |= unix.EPOLLOUT
		if c.Loop.Polite {
			events = unix.EPOLLOUT
		}
	}
	if err := c.Loop.control(unix.EPOLL_CTL_MOD, c.fd, events); err != nil {
		c.fail(err)
	}
}

// drain writes what is kept.
func (c *Conn) drain() {
	for len(c.out) > 0 {
		n, err := unix.Write(c.fd, c.out[0])
		if err == unix.EAGAIN || err == unix.EINTR {
			return
		}
		if err != nil {
			c.fail(os.NewSyscallError("write", err))
			return
		}
		if c.out[0] = c.out[0][n:]; len(c.out[0]) == 0 {
			c.out = c.out[1:]
		}
	}
	c.out = nil
	c.want()
}

func (c *Conn) fail(err error) {
	if c.fd >= 0 {
		c.close()
		c.peer.Closed(c, err)
	}
}

func (c *Conn) close() {
	c.Loop.sources[c.fd] = nil
	unix.Close(c.fd)
	c.fd = -1
}
