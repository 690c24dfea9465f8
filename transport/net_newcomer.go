package transport

import (
	"net"
	"net/netip"
)

// lend is part of newcomer.
func (c *netConn) lend() (net.Conn, error) { return c.nc, nil }

// resume is part of newcomer.
func (c *netConn) resume(_ net.Conn, client netip.AddrPort, read []byte) Conn {
	c.remote = client
	if len(read) > 0 {
		c.first = read
	}
	return c
}

// secure is part of newcomer.
func (c *netConn) secure(secured net.Conn, client netip.AddrPort) Conn {
	c.raw, c.remote = nil, client
	c.attach(secured)
	return c
}
