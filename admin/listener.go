package admin

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
)

// listener speaks HTTPS on connections that come while the policy asks for it.
type listener struct {
	net.Listener
	policy *atomic.Pointer[Policy]
}

// Accept is part of net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if p := l.policy.Load(); err == nil && p != nil && p.tls != nil {
		return tls.Server(conn, p.tls), nil
	}
	return conn, err
}

// limiter closes connections beyond a number, of all clients and of one address. To let them wait would not free a
// descriptor. No address has all places: probes would fail for as long as somebody sends requests that do not end, and what
// fails its probes is restarted.
type limiter struct {
	net.Listener
	limit, each int

	mu sync.Mutex
	n  int
	of map[netip.Addr]int // by the client's address
}

func limited(ln net.Listener, limit int) net.Listener {
	return &limiter{Listener: ln, limit: limit, each: max(limit/2, 1), of: map[netip.Addr]int{}}
}

// Accept is part of net.Listener.
func (l *limiter) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := addressOf(conn)
		if l.take(from) {
			return &limitedConn{Conn: conn, free: sync.OnceFunc(func() { l.free(from) })}, nil
		}
		conn.Close()
	}
}

func addressOf(conn net.Conn) netip.Addr {
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

func (l *limiter) take(from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n >= l.limit || l.of[from] >= l.each {
		return false
	}
	l.n++
	l.of[from]++
	return true
}

func (l *limiter) free(from netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n--
	if l.of[from]--; l.of[from] == 0 {
		delete(l.of, from)
	}
}

type limitedConn struct {
	net.Conn
	free func()
}

// Close is part of net.Conn.
func (c *limitedConn) Close() error {
	c.free()
	return c.Conn.Close()
}
