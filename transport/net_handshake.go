package transport

import (
	"net"
	"net/netip"
)

// budget is part of unstarted.
func (c *netConn) budget() Budget { return c.t }

// beginHandshake is part of unstarted.
//
//nolint:unparam // the interface has an error for sockets of loops, which Go does not know yet
func (c *netConn) beginHandshake() (net.Conn, error) { return c.nc, nil }

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
