//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// loop is an epoll loop on one thread. Sink and generator run on one each.
type loop struct {
	epfd    int
	sources []source // by descriptor
	events  []unix.EpollEvent
	in      []byte // what one read returns
	batch   []byte // what is to be written to the connection that is being read
	now     int64  // clock() when the present events came
	polite  bool   // do not read from who does not read
	err     error  // why the loop ended early
}

// source is whatever the loop waits for.
type source interface{ ready(events uint32) }

// readSize is large enough that a read takes what a socket buffer holds.
const readSize = 512 << 10

func newLoop() (*loop, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	return &loop{epfd: epfd, events: make([]unix.EpollEvent, 512), in: make([]byte, readSize)}, nil
}

func (l *loop) add(fd int, events uint32, s source) error {
	for len(l.sources) <= fd {
		l.sources = append(l.sources, nil)
	}
	l.sources[fd] = s
	return l.control(unix.EPOLL_CTL_ADD, fd, events)
}

func (l *loop) control(op, fd int, events uint32) error {
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(l.epfd, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)}))
}

// runUntil serves until the clock says end, or done, which may be nil, reports true.
func (l *loop) runUntil(end int64, done func() bool) error {
	for {
		l.now = clock()
		if l.err != nil || l.now >= end || done != nil && done() {
			return l.err
		}
		n, err := unix.EpollWait(l.epfd, l.events, int(min((end-l.now)/1e6+1, 50)))
		if err != nil && err != unix.EINTR {
			return os.NewSyscallError("epoll_wait", err)
		}
		l.now = clock()
		for _, ev := range l.events[:max(n, 0)] {
			if s := l.sources[ev.Fd]; s != nil {
				s.ready(ev.Events)
			}
		}
	}
}

var epoch = time.Now()

// clock is nanoseconds since the process began.
func clock() int64 { return int64(time.Since(epoch)) }

// peer is who deals with a connection's frames. It appends what it has to say to loop.batch.
type peer interface {
	frame(c *conn, head []byte)
	closed(c *conn, err error)
}

// conn is one non-blocking socket on a loop.
type conn struct {
	loop   *loop
	fd     int
	peer   peer
	frames frames
	out    [][]byte // what did not fit, as it stands
	index  int      // the peer's
}

func (l *loop) adopt(fd int, p peer) (*conn, error) {
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return nil, err
	}
	c := &conn{loop: l, fd: fd, peer: p}
	return c, l.add(fd, unix.EPOLLIN, c)
}

func (c *conn) ready(events uint32) {
	if events&unix.EPOLLOUT != 0 {
		c.drain()
	}
	if events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR) == 0 || c.fd < 0 {
		return
	}
	n, err := unix.Read(c.fd, c.loop.in)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return
	case err == nil && n == 0:
		err = io.EOF
	case err == nil:
		c.loop.batch = c.loop.batch[:0]
		err = c.frames.feed(c.loop.in[:n], func(head []byte) { c.peer.frame(c, head) })
		c.flush()
	}
	if err != nil {
		c.fail(err)
	}
}

// flush writes the batch.
func (c *conn) flush() {
	c.write(c.loop.batch, nil)
	c.loop.batch = c.loop.batch[:0]
}

// write writes own and shared in one call. What does not fit is kept: own as a copy, shared as it is.
func (c *conn) write(own, shared []byte) {
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

func (c *conn) want() {
	events := uint32(unix.EPOLLIN)
	if len(c.out) > 0 {
		events |= unix.EPOLLOUT
		if c.loop.polite {
			events = unix.EPOLLOUT
		}
	}
	if err := c.loop.control(unix.EPOLL_CTL_MOD, c.fd, events); err != nil {
		c.fail(err)
	}
}

// drain writes what is kept.
func (c *conn) drain() {
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

func (c *conn) fail(err error) {
	if c.fd >= 0 {
		c.close()
		c.peer.closed(c, err)
	}
}

func (c *conn) close() {
	c.loop.sources[c.fd] = nil
	unix.Close(c.fd)
	c.fd = -1
}

// loopback is 127.0.0.n: as many source addresses as it takes to have ports enough.
func loopback(n int) [4]byte { return [4]byte{127, 0, 0, byte(n)} }

// connect opens a connection from a source address of its own; blocking, as it is not what is measured.
func (l *loop) connect(to netip.AddrPort, from [4]byte, p peer) (*conn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	// The port is chosen by connect, which knows the other end: 28,000 for each pair of addresses.
	err = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: from})
	}
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())})
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("cannot connect to %s: %w", to, err)
	}
	return l.adopt(fd, p)
}

// acceptor takes connections off a listening socket.
type acceptor struct {
	loop *loop
	fd   int
	peer peer
}

// listen opens a listening socket on 127.0.0.1; port 0 is any free one.
func (l *loop) listen(port int, p peer) (netip.AddrPort, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: loopback(1), Port: port}); err != nil {
		return netip.AddrPort{}, os.NewSyscallError("bind", err)
	}
	if err := unix.Listen(fd, 4096); err != nil {
		return netip.AddrPort{}, os.NewSyscallError("listen", err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("getsockname", err)
	}
	at := sa.(*unix.SockaddrInet4)
	return netip.AddrPortFrom(netip.AddrFrom4(at.Addr), uint16(at.Port)), l.add(fd, unix.EPOLLIN, &acceptor{l, fd, p})
}

func (a *acceptor) ready(uint32) {
	for range 64 {
		fd, _, err := unix.Accept4(a.fd, unix.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		if _, err := a.loop.adopt(fd, a.peer); err != nil {
			unix.Close(fd)
		}
	}
}
