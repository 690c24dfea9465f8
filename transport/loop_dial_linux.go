package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// dial begins to connect: right here to an address, on a goroutine to a host name, as brokers register themselves by
// one.
func (c *loopConn) dial(address string) {
	if ap, err := netip.ParseAddrPort(address); err == nil {
		timer := time.AfterFunc(c.loop.t.net.tuning().dialTimeout, func() { c.loop.Schedule(c.dialTimedOut) })
		c.cancelDial = func() { timer.Stop() }
		c.connect(ap)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.loop.t.net.tuning().dialTimeout)
	c.cancelDial = cancel
	go func() {
		fd, err := dialName(ctx, address)
		c.loop.Schedule(func() { c.adopt(fd, err) })
	}()
}

// dialTimedOut ends a dial that takes too long. By now it may have ended, or been closed.
func (c *loopConn) dialTimedOut() {
	if c.connecting {
		c.fail(os.ErrDeadlineExceeded)
	}
}

// dialName has Go look a name up and try its addresses, of both families and for a part of the time each, and takes
// the socket from it.
func dialName(ctx context.Context, address string) (fd int, err error) {
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return -1, err
	}
	defer nc.Close()
	return duplicate(nc.(*net.TCPConn))
}

// adopt takes what dialName has brought.
func (c *loopConn) adopt(fd int, err error) {
	switch {
	case c.closed && err == nil:
		unix.Close(fd)
	case err != nil:
		c.fail(err)
	default:
		c.fd = fd
		tune(fd)
		c.register()
	}
}

func (c *loopConn) connect(ap netip.AddrPort) {
	family, sa := socketAddress(ap)
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		c.failSoon(os.NewSyscallError("socket", err))
		return
	}
	c.fd = fd
	tune(fd)
	c.remote = endpointOf(ap)
	if err := unix.Connect(fd, sa); err != nil && err != unix.EINPROGRESS {
		c.failSoon(os.NewSyscallError("connect", err))
		return
	}
	c.register()
}

// register waits for the socket to become writable: then a connect has ended.
func (c *loopConn) register() {
	if err := c.loop.add(c, unix.EPOLLOUT); err != nil {
		c.failSoon(os.NewSyscallError("epoll_ctl", err))
	}
}

// connected finds out how a connect ended.
func (c *loopConn) connected() {
	errno, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && errno != 0 {
		err = unix.Errno(errno)
	}
	if err != nil {
		c.fail(os.NewSyscallError("connect", err))
		return
	}
	c.local = localOf(c.fd)
	if peer := peerOf(c.fd); peer != unknownEnd || c.remote == (endpoint{}) { // else it is what was dialed
		c.remote = peer
	}
	if c.local == c.remote {
		// The kernel has given us the very port that nobody listens on, and TCP has connected the socket with itself.
		c.fail(os.NewSyscallError("connect", unix.ECONNREFUSED))
		return
	}
	c.connecting, c.started = false, true
	c.cancelDial()
	c.cancelDial = nil
	c.deliver(&Connected{Conn: c})
	c.drain()
	c.want()
}

// duplicate returns a descriptor of our own for one of Go's sockets; both have to be closed.
func duplicate(s syscall.Conn) (fd int, err error) {
	raw, err := s.SyscallConn()
	if err != nil {
		return -1, err
	}
	var errno error
	err = raw.Control(func(theirs uintptr) { fd, errno = unix.FcntlInt(theirs, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, errors.Join(err, errno)
}
