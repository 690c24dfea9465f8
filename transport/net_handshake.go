package transport

import (
	"cmp"
	"net"
	"net/netip"
)

// budget is part of unstarted.
func (c *netConn) budget() Budget { return c.t }

// beginHandshake is part of unstarted.
//
//nolint:unparam // the interface has an error for sockets of loops, which Go does not know yet
func (c *netConn) beginHandshake() (net.Conn, error) { return c.nc, nil }

// take is part of taken. The reader ends without closing the socket.
func (c *netConn) take() (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.nc == nil {
		return nil, net.ErrClosed
	}
	c.remote = cmp.Or(c.remote, addrPort(c.nc.RemoteAddr()))
	c.gone = true
	return c.nc, nil
}

// finishPlain is part of unstarted.
func (c *netConn) finishPlain(_ net.Conn, client netip.AddrPort, read []byte) Conn {
	c.remote = client
	if len(read) > 0 {
		c.first = read
	}
	return c
}

// finishTLS is part of unstarted.
func (c *netConn) finishTLS(secured net.Conn, client netip.AddrPort) Conn {
	c.raw, c.remote = nil, client
	c.attach(secured)
	return c
}
