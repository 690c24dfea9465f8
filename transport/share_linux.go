package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// ListenShared is Listen with SO_REUSEPORT: other processes that do the same share the port, and the kernel deals new
// connections out among them. So a successor can open its listening sockets before its predecessor closes them.
func (t *Loops) ListenShared(address string) (Listener, error) {
	var failed error
	control := func(_, _ string, raw syscall.RawConn) error {
		err := raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
		return errors.Join(err, failed)
	}
	ln, err := (&net.ListenConfig{Control: control}).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, err
	}
	return t.serve(ln)
}

// Inherit makes a Listener of a listening socket of another process. fd belongs to it from now on. Both processes may
// accept on it, and it stays open, with all that wait in its queue, until the last of them has closed it.
func (t *Loops) Inherit(fd int) (Listener, error) {
	file := os.NewFile(uintptr(fd), "inherited listener")
	defer file.Close() // FileListener duplicates it
	ln, err := net.FileListener(file)
	if err != nil {
		return nil, fmt.Errorf("cannot use an inherited listening socket: %w", err)
	}
	if _, ok := ln.(*net.TCPListener); !ok {
		ln.Close()
		return nil, fmt.Errorf("cannot use an inherited listening socket: it is a %T", ln)
	}
	return t.serve(ln)
}

// DuplicateListener returns another descriptor of a listening socket, which the caller has to close.
func DuplicateListener(l Listener) (fd int, err error) {
	if g, ok := l.(*handshakeListener); ok {
		l = g.Listener
	}
	nl, ok := l.(*netListener)
	if !ok {
		return -1, errors.ErrUnsupported
	}
	b, ok := nl.ln.(both)
	if !ok {
		return -1, errors.ErrUnsupported
	}
	return duplicate(b.file)
}

// Detach takes the socket out of a connection between two frames: nothing half read, nothing kept, no chunk out. The
// connection is closed then, without an event, and the descriptor is the caller's. It must run on the connection's
// executor. ErrMidFrame says that another moment may do, errors.ErrUnsupported that none will.
func Detach(conn Conn) (fd int, err error) {
	c, ok := conn.(*loopConn)
	switch {
	case !ok || c.closed:
		return -1, errors.ErrUnsupported
	case c.proxied: // whose connection it is would be forgotten
		return -1, errors.ErrUnsupported
	}
	c.sendPosted()
	switch {
	case c.receiving: // the bytes are here, not in the socket
		return -1, ErrMidFrame
	case !c.started || c.connecting || c.fault != nil || c.kept > 0 || c.carry > 0 || c.handed > 0 || c.first != nil || c.split.Rest() > 0:
		return -1, ErrMidFrame
	}
	c.loop.detach(c)
	fd = c.fd
	c.fd, c.gen = -1, 0
	c.Close()
	return fd, nil
}

// Adopt makes a Conn of a connected socket, which it owns from now on. It is served on a loop of this transport; nil:
// any of them.
func (t *Loops) Adopt(fd int, on Executor) Conn {
	c := t.connectionOf(fd, peerOf(fd))
	if l, ok := on.(*loop); ok {
		c.loop = l
	}
	return c
}

// detach ends the registration of a socket that stays open.
func (l *loop) detach(c *loopConn) {
	l.remove(c)
	unix.EpollCtl(l.epfd, unix.EPOLL_CTL_DEL, c.fd, nil)
}
