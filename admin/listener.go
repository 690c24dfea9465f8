package admin

import (
	"crypto/tls"
	"net"
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

// limiter closes connections beyond a number. To let them wait would not free a descriptor.
type limiter struct {
	net.Listener
	slots chan struct{}
}

func limited(ln net.Listener, limit int) net.Listener {
	return &limiter{ln, make(chan struct{}, limit)}
}

// Accept is part of net.Listener.
func (l *limiter) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.slots <- struct{}{}:
			return &limitedConn{Conn: conn, free: sync.OnceFunc(func() { <-l.slots })}, nil
		default:
			conn.Close()
		}
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
