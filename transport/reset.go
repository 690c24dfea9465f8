package transport

import "net"

// Reset closes a connection so that its peer sees a broken one (RST), not an end. Java clients up to 5.0 fail what
// they have in flight only then: after an orderly end each request waits for its timeout. A reset throws away what has
// not left the system yet; a peer that has still to get some of that gets it, and then an orderly end.
func Reset(c Conn) { reset(c, false) }

// Drop is Reset for a peer that takes nothing. The system would keep what has not left it for as long as the peer lives.
func Drop(c Conn) { reset(c, true) }

func reset(c Conn, unsentToo bool) {
	if r, ok := c.(interface{ abort(unsentToo bool) }); ok {
		r.abort(unsentToo)
	}
	c.Close()
}

// abort makes the close that follows a reset, unless something would be lost that must not be. Sockets that are not the
// kernel's have none. Under TLS the socket is closed here: the goodbye of TLS (close_notify) would be an orderly end.
func (c *netConn) abort(unsentToo bool) {
	c.mu.Lock()
	nc, secured := c.nc, c.secured
	c.mu.Unlock()
	for wrapped, ok := nc.(interface{ NetConn() net.Conn }); ok; wrapped, ok = nc.(interface{ NetConn() net.Conn }) {
		nc = wrapped.NetConn()
	}
	socket, ok := nc.(interface{ SetLinger(seconds int) error })
	if !ok || !unsentToo && unsent(nc) {
		return
	}
	_ = socket.SetLinger(0) // an error means that it is closed already
	if secured {
		nc.Close()
	}
}
