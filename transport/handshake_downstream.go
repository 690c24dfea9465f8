package transport

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// DownstreamHandshake is what clients of a listener have to pass before their first frame: a PROXY protocol header where
// one is due, then TLS. The zero value asks for nothing.
type DownstreamHandshake struct {
	// ProxyFrom are the networks whose connections must begin with a PROXY header, v1 or v2, as with HAProxy's
	// expect-proxy. From elsewhere it is never looked for: those bytes are then a malformed frame, and the connection ends.
	ProxyFrom []netip.Prefix
	// TLS returns the configuration to use now; nil: no TLS.
	TLS func() *tls.Config
	// HTTP2 reports that clients may speak HTTP/2 under TLS, which they want to be told (ALPN); nil: they may not.
	HTTP2 func() bool
	// AllowPlain: with TLS, the first byte decides, as it does at brokers (tls.server.mode = permissive).
	AllowPlain bool
	// Timeout bounds everything that comes before the first frame; 0: 10 s. With AllowPlain its first byte is part of that.
	Timeout time.Duration
	// MaxInProgress is how many handshakes may be in progress at a time, as none of them counts as a client's yet; nil
	// or 0: any number. One more connection is closed.
	MaxInProgress func() int
	// Rejected gets each connection that did not pass. It is called on any goroutine.
	Rejected func(Rejection)
}

// Rejection is why a connection was closed before its first frame.
type Rejection struct {
	Reason string // one of RejectionReasons
	Remote netip.AddrPort
	Err    error
}

// Reasons of rejections.
const (
	RejectedProxyHeader  = "proxy_header"      // it came from a trusted network without a PROXY header that can be read
	RejectedTLSHandshake = "tls_handshake"     // as with a client that does not trust our certificate, or has none itself
	RejectedPlain        = "tls_required"      // it did not speak TLS
	RejectedTimeout      = "handshake_timeout" // it took longer than Timeout
	RejectedTooMany      = "handshakes"        // MaxInProgress were in progress, or the budget had no room
	RejectedSocket       = "socket"            // the system refused us something, as a descriptor
)

// RejectionReasons are all of them, for metrics that stand at 0 before anything happens.
var RejectionReasons = []string{RejectedProxyHeader, RejectedTLSHandshake, RejectedPlain, RejectedTimeout, RejectedTooMany, RejectedSocket}

// unstarted is a connection that was accepted and not started. Its socket can be used by a handshake meanwhile.
type unstarted interface {
	Conn
	// budget is where its handshake is counted.
	budget() Budget
	// beginHandshake returns the socket as Go knows it.
	beginHandshake() (net.Conn, error)
	// finishPlain goes on without TLS, as the connection of that client, with what the handshake has read too much.
	finishPlain(socket net.Conn, client netip.AddrPort, read []byte) Conn
	// finishTLS returns the connection under TLS that takes this one's place.
	finishTLS(secured net.Conn, client netip.AddrPort) Conn
}

// concerns reports that connections from an address have a handshake.
func (h *DownstreamHandshake) concerns(a netip.Addr) bool { return h.TLS != nil || h.expectsProxy(a) }

func (h *DownstreamHandshake) expectsProxy(a netip.Addr) bool {
	for _, p := range h.ProxyFrom {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// errNothing is not a rejection: the peer has closed before its first byte, as health checks do, some by a reset.
var errNothing = &Rejection{}

// handshakeCost is about what a TLS handshake in progress takes, in bytes: the stack of its goroutine and TLS's buffers.
const handshakeCost = 32 << 10

// handshakeBuffer is small, as it stays in the way of a TLS connection; longer reads pass it by. A v1 header fits in.
const handshakeBuffer = 256

// perform does what comes before the first frame, in the order of the wire, and returns the connection, or one in its
// place, ready to be started.
func (h *DownstreamHandshake) perform(ctx context.Context, c unstarted) (Conn, *Rejection) {
	nc, err := c.beginHandshake()
	if err != nil {
		c.Close()
		return nil, &Rejection{Reason: RejectedSocket, Err: err}
	}
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	defer stop()
	nc.SetDeadline(time.Now().Add(cmp.Or(h.Timeout, defaultHandshakeTimeout)))
	in := peeked{nc, bufio.NewReaderSize(nc, handshakeBuffer)}
	client, rejection := h.clientOf(in, c.Remote())
	var secured *tls.Conn
	if rejection == nil {
		secured, rejection = h.secure(ctx, in)
	}
	if rejection != nil {
		nc.Close()
		c.Close()
		return nil, rejection
	}
	nc.SetDeadline(time.Time{})
	if secured != nil {
		return c.finishTLS(tlsConn{secured}, client), nil
	}
	ahead, _ := in.r.Peek(in.r.Buffered())
	return c.finishPlain(nc, client, bytes.Clone(ahead)), nil
}

// clientOf reads the PROXY header where one is due, and returns whose connection it is.
func (h *DownstreamHandshake) clientOf(in peeked, remote netip.AddrPort) (netip.AddrPort, *Rejection) {
	if !h.expectsProxy(remote.Addr()) {
		return remote, nil
	}
	if _, err := in.r.Peek(1); err != nil {
		return remote, nothingCame(err)
	}
	said := in.looksLike()
	client, err := readProxyHeader(in.r)
	if err != nil {
		return remote, reject(RejectedProxyHeader, fmt.Errorf("cannot read the PROXY header of a peer in listener.proxy_protocol_from%s: %w", said, err))
	}
	if !client.IsValid() {
		return remote, nil
	}
	return client, nil
}

// secure shakes hands if that is asked for, by the listener or by the first byte. A plain connection is nil.
func (h *DownstreamHandshake) secure(ctx context.Context, in peeked) (*tls.Conn, *Rejection) {
	if h.TLS == nil {
		return nil, nil
	}
	first, err := in.r.Peek(1)
	switch {
	case err != nil:
		return nil, nothingCame(err)
	case first[0] == tlsHandshakeRecord:
		secured := tls.Server(in, h.configuration())
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, reject(RejectedTLSHandshake, fmt.Errorf("the TLS handshake failed: %w", err))
		}
		return secured, nil
	case h.AllowPlain:
		return nil, nil
	}
	return nil, reject(RejectedPlain, fmt.Errorf("the client does not speak TLS, and listener.tls.mode is required%s", in.looksLike()))
}

// configuration is that of a TLS connection now.
func (h *DownstreamHandshake) configuration() *tls.Config {
	config := h.TLS()
	if h.HTTP2 != nil && h.HTTP2() {
		config = config.Clone()
		config.NextProtos = []string{"h2"}
	}
	return config
}

// tlsHandshakeRecord is the first byte of TLS (RFC 8446, 5.1); as the first of a frame's length it would mean 352 MiB.
const tlsHandshakeRecord = 0x16

func nothingCame(err error) *Rejection {
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return errNothing
	}
	return reject(RejectedSocket, err)
}

func reject(reason string, err error) *Rejection {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		reason = RejectedTimeout
	}
	return &Rejection{Reason: reason, Err: err}
}

// peeked is a connection of which some bytes lie in a buffer.
type peeked struct {
	net.Conn
	r *bufio.Reader
}

// looksLike is what the bytes that have come look like, for an error: nothing while they are too few.
func (p peeked) looksLike() string {
	b, _ := p.r.Peek(p.r.Buffered())
	if len(b) < codec.PrefixLen {
		return ""
	}
	var malformed *codec.FrameError
	if _, err := codec.ReadPrefix(b, codec.Limits{}); !errors.As(err, &malformed) {
		return " (its bytes look like a plain RocketMQ client)"
	} else if malformed.LooksLike != "" {
		return fmt.Sprintf(" (its bytes look like %s)", malformed.LooksLike)
	}
	return ""
}

func (p peeked) Read(b []byte) (int, error) { return p.r.Read(b) }

// NetConn is what lies below, as with TLS.
func (p peeked) NetConn() net.Conn { return p.Conn }
