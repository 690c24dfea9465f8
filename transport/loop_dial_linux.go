package transport

import (
	"context"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// dial begins to connect. A host name is looked up on a goroutine; everything else happens on the loop.
func (c *loopConn) dial(address string) {
	timer := time.AfterFunc(c.t.net.dialTimeout(), func() {
		c.loop.Schedule(func() {
			if c.connecting {
				c.fail(os.ErrDeadlineExceeded)
			}
		})
	})
	c.cancelDial = func() { timer.Stop() }
	if ap, err := netip.ParseAddrPort(address); err == nil {
		c.connect(ap)
		return
	}
	go func() {
		ap, err := lookUp(address, c.t.net.dialTimeout())
		c.loop.Schedule(func() {
			switch {
			case c.closed:
			case err != nil:
				c.fail(err)
			default:
				c.connect(ap)
			}
		})
	}()
}

// lookUp finds the first address of a host name, as brokers register themselves by one.
func lookUp(address string, patience time.Duration) (netip.AddrPort, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "tcp", service)
	if err != nil {
		return netip.AddrPort{}, err
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return netip.AddrPortFrom(ips[0], uint16(port)), nil
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
	if err := unix.Connect(fd, sa); err != nil && err != unix.EINPROGRESS {
		c.failSoon(os.NewSyscallError("connect", err))
		return
	}
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
	c.connecting, c.started = false, true
	c.local, c.remote = addresses(c.fd)
	c.cancelDial()
	c.cancelDial = nil
	c.sink.Deliver(&Connected{Conn: c})
	c.drain()
	c.want()
}
