package transport

import (
	"errors"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// goSocket is a second descriptor of a loop's socket, in Go's poller.
type goSocket struct {
	*os.File
	local, remote net.Addr
}

func (l goSocket) LocalAddr() net.Addr  { return l.local }
func (l goSocket) RemoteAddr() net.Addr { return l.remote }

// SetLinger is that of net.TCPConn.
func (l goSocket) SetLinger(seconds int) error {
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: int32(seconds)})
	})
	return errors.Join(err, failed)
}

// budget is part of unstarted.
func (c *loopConn) budget() Budget { return c.loop.t }

// beginHandshake is part of unstarted. Until Start the loop knows nothing of the socket, so this and what follows run anywhere.
func (c *loopConn) beginHandshake() (net.Conn, error) {
	fd, err := unix.FcntlInt(uintptr(c.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("dup", err)
	}
	return goSocket{os.NewFile(uintptr(fd), "client"), tcpAddr(c.Local()), tcpAddr(c.Remote())}, nil
}

// take is part of taken: a second descriptor stays when the loop closes its own. Until both are closed the loop would hear
// of the socket, so it has to forget it first.
func (c *loopConn) take() (net.Conn, error) {
	nc, err := c.beginHandshake()
	if err == nil {
		c.loop.detach(c)
		c.gen = 0
	}
	return nc, err
}

// finishPlain is part of unstarted.
func (c *loopConn) finishPlain(nc net.Conn, client netip.AddrPort, read []byte) Conn {
	nc.Close()
	c.proxied = client != c.Remote()
	c.remote = endpointOf(client)
	if len(read) > 0 {
		c.first = &read
	}
	return c
}

// finishTLS is part of unstarted. The second descriptor keeps the socket open.
func (c *loopConn) finishTLS(secured net.Conn, client netip.AddrPort) Conn {
	c.Close()
	s := c.loop.t.net.newConn(secured)
	s.ready, s.remote = true, client
	return s
}
