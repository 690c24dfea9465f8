package transport

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"time"
)

// UpstreamHandshake says how connections to some upstreams begin. The zero value is plain TCP.
type UpstreamHandshake struct {
	// SendProxy: a PROXY protocol v2 header with the address of the client that the connection works for goes first. One
	// that works for nobody says LOCAL, as balancers do of their health checks: the upstream waits for some header.
	SendProxy bool
	// TLS returns the configuration to use now; nil: no TLS.
	TLS func() *tls.Config
	// HandshakeTimeout bounds header and TLS handshake; 0: 10 s.
	HandshakeTimeout time.Duration
}

// defaultHandshakeTimeout is generous: a JVM that has just started takes seconds for its first handshake.
const defaultHandshakeTimeout = 10 * time.Second

// opening is what happens on one new connection to an upstream before it is said to be connected.
type opening struct {
	header  []byte
	tls     *tls.Config
	timeout time.Duration
}

func (u *UpstreamHandshake) opening(d Downstream) opening {
	o := opening{timeout: cmp.Or(u.HandshakeTimeout, defaultHandshakeTimeout)}
	if u.SendProxy {
		o.header = proxyHeader(d.Client, d.Local)
	}
	if u.TLS != nil {
		o.tls = u.TLS()
	}
	return o
}

// begin sends the header and secures the connection. It may block, for the timeout at most.
func (o *opening) begin(nc net.Conn, address string) (net.Conn, error) {
	if o.header == nil && o.tls == nil {
		return nc, nil
	}
	nc.SetDeadline(time.Now().Add(o.timeout))
	if o.header != nil {
		if _, err := nc.Write(o.header); err != nil {
			return nil, fmt.Errorf("cannot send the PROXY header: %w", err)
		}
	}
	if o.tls != nil {
		secured := tls.Client(nc, named(o.tls, address))
		if err := secured.Handshake(); err != nil {
			return nil, fmt.Errorf("cannot secure the connection (cluster.tls): %w", err)
		}
		nc.SetDeadline(time.Time{})
		return tlsConn{secured}, nil
	}
	nc.SetDeadline(time.Time{})
	return nc, nil
}

// named makes sure that a server's certificate is checked against some name: the host that was dialed, unless one is set.
func named(cfg *tls.Config, address string) *tls.Config {
	if cfg.ServerName != "" {
		return cfg
	}
	cfg = cfg.Clone()
	cfg.ServerName, _, _ = net.SplitHostPort(address)
	return cfg
}

// tlsConn is a TLS connection whose Close does not block: saying goodbye (close_notify) may have to wait for a peer
// that does not read, up to 5 s, and owners must not.
type tlsConn struct{ *tls.Conn }

func (c tlsConn) Close() error {
	go c.Conn.Close()
	return nil
}
