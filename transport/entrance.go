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
	"sync"
	"syscall"
	"time"
)

// Entrance is what clients of a listener have to pass before their first frame: a PROXY protocol header where one is
// due, then TLS. The zero value is an open door.
type Entrance struct {
	// ProxyFrom are the networks whose connections must begin with a PROXY header, v1 or v2, as with HAProxy's
	// expect-proxy. From elsewhere it is never looked for: those bytes are then no frame, and the connection ends.
	ProxyFrom []netip.Prefix
	// TLS returns the configuration to use now; nil: no TLS.
	TLS func() *tls.Config
	// AllowPlain: with TLS, the first byte decides, as it does at brokers (tls.server.mode = permissive).
	AllowPlain bool
	// Timeout bounds everything that comes before the first frame; 0: 10 s. With AllowPlain its first byte is part of that.
	Timeout time.Duration
	// Most is how many connections may be looked at at a time, as none of them counts as a client's yet; nil or 0: any number.
	// One more is closed.
	Most func() int
	// Refused is told of connections that did not pass. It is called on any goroutine.
	Refused func(Refusal)
}

// Refusal is why a connection was closed before its first frame.
type Refusal struct {
	Reason string // one of RefusalReasons
	Remote netip.AddrPort
	Err    error
}

// Reasons of refusals.
const (
	RefusedProxyHeader  = "proxy_header"      // it came from a trusted network without a PROXY header that can be read
	RefusedTLSHandshake = "tls_handshake"     // as with a client that does not trust our certificate, or has none itself
	RefusedPlain        = "tls_required"      // it did not speak TLS
	RefusedTimeout      = "handshake_timeout" // it took longer than Timeout
	RefusedCrowd        = "handshakes"        // as many as there may be clients were being looked at
	RefusedSocket       = "socket"            // the system refused us something, as a descriptor
)

// RefusalReasons are all of them, for metrics that stand at 0 before anything happens.
var RefusalReasons = []string{RefusedProxyHeader, RefusedTLSHandshake, RefusedPlain, RefusedTimeout, RefusedCrowd, RefusedSocket}

// Guard puts the entrance before a listener. Connections are looked at on a goroutine each, so a slow one holds up
// nobody; those that have passed go to the sink of Accept. Closing the listener ends what is still being looked at.
func (e *Entrance) Guard(ln Listener) Listener {
	if e.TLS == nil && len(e.ProxyFrom) == 0 {
		return ln
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &guarded{Listener: ln, entrance: e, ctx: ctx, cancel: cancel}
}

type guarded struct {
	Listener
	entrance *Entrance
	ctx      context.Context
	cancel   func()

	mu      sync.Mutex
	sink    Sink
	looking int          // connections that are being looked at
	ended   *AcceptEnded // to be told after the last of them
}

func (g *guarded) Close() {
	g.Listener.Close()
	g.cancel()
}

func (g *guarded) Accept(sink Sink) {
	g.mu.Lock()
	g.sink = sink
	g.mu.Unlock()
	g.Listener.Accept(g)
}

// Deliver is part of Sink: it stands between the open socket and its acceptor.
func (g *guarded) Deliver(event any) {
	switch m := event.(type) {
	case *Accepted:
		switch {
		case !g.entrance.concerns(m.Conn.Remote().Addr()):
		case g.crowded():
			g.refused(&Refusal{Reason: RefusedCrowd, Err: errCrowd}, m.Conn.Remote())
			m.Conn.Close()
			return
		default:
			g.looks(1, nil)
			go g.admit(m.Conn.(newcomer))
			return
		}
	case *AcceptEnded:
		g.looks(0, m)
		return
	}
	g.pass(event)
}

var errCrowd = errors.New("as many handshakes are under way as there may be clients (limits.connections_per_listener)")

func (g *guarded) crowded() bool {
	if g.entrance.Most == nil {
		return false
	}
	most := g.entrance.Most()
	g.mu.Lock()
	defer g.mu.Unlock()
	return most > 0 && g.looking >= most
}

func (g *guarded) refused(r *Refusal, remote netip.AddrPort) {
	if g.entrance.Refused != nil {
		r.Remote = remote
		g.entrance.Refused(*r)
	}
}

// looks counts who is being looked at. The end of accepting is told after the last of them.
func (g *guarded) looks(more int, ended *AcceptEnded) {
	g.mu.Lock()
	g.looking += more
	if ended != nil {
		g.ended = ended
	}
	if g.looking > 0 {
		ended = nil
	} else {
		ended, g.ended = g.ended, nil
	}
	g.mu.Unlock()
	if ended != nil {
		g.cancel()
		g.pass(ended)
	}
}

func (g *guarded) pass(event any) {
	g.mu.Lock()
	sink := g.sink
	g.mu.Unlock()
	sink.Deliver(event)
}

func (g *guarded) admit(c newcomer) {
	defer g.looks(-1, nil)
	remote := c.Remote()
	admitted, refusal := g.entrance.admit(g.ctx, c)
	switch {
	case refusal == nil:
		g.pass(&Accepted{Conn: admitted})
	case refusal != errNothing && g.ctx.Err() == nil:
		g.refused(refusal, remote)
	}
}

// newcomer is a connection that was accepted and that nobody has started. Its socket can be lent out to look at what
// comes first.
type newcomer interface {
	Conn
	// lend returns the socket as Go knows it.
	lend() (net.Conn, error)
	// resume ends the loan. The connection goes on as a client of that address, with what was read meanwhile.
	resume(lent net.Conn, client netip.AddrPort, read []byte) Conn
	// secure replaces the connection by one under TLS that has been made on what was lent.
	secure(secured net.Conn, client netip.AddrPort) Conn
}

// concerns reports that there is something to look at on connections from an address.
func (e *Entrance) concerns(a netip.Addr) bool { return e.TLS != nil || e.trusts(a) }

func (e *Entrance) trusts(a netip.Addr) bool {
	for _, p := range e.ProxyFrom {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// errNothing is no refusal: the peer has closed without a word, as health checks do, some by a reset.
var errNothing = &Refusal{}

// examineBuffer is small, as it stays in the way of a TLS connection; longer reads pass it by. A v1 header fits in.
const examineBuffer = 256

// admit looks at what comes before the first frame, in the order of the wire, and returns the connection, or one in
// its place, ready to be started.
func (e *Entrance) admit(ctx context.Context, c newcomer) (Conn, *Refusal) {
	nc, err := c.lend()
	if err != nil {
		c.Close()
		return nil, &Refusal{Reason: RefusedSocket, Err: err}
	}
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	defer stop()
	nc.SetDeadline(time.Now().Add(cmp.Or(e.Timeout, defaultHandshakeTimeout)))
	in := peeked{nc, bufio.NewReaderSize(nc, examineBuffer)}
	client, refusal := e.clientOf(in, c.Remote())
	var secured *tls.Conn
	if refusal == nil {
		secured, refusal = e.handshake(ctx, in)
	}
	if refusal != nil {
		nc.Close()
		c.Close()
		return nil, refusal
	}
	nc.SetDeadline(time.Time{})
	if secured != nil {
		return c.secure(tlsConn{secured}, client), nil
	}
	ahead, _ := in.r.Peek(in.r.Buffered())
	return c.resume(nc, client, bytes.Clone(ahead)), nil
}

// clientOf reads the PROXY header where one is due, and tells whose connection it is.
func (e *Entrance) clientOf(in peeked, remote netip.AddrPort) (netip.AddrPort, *Refusal) {
	if !e.trusts(remote.Addr()) {
		return remote, nil
	}
	if _, err := in.r.Peek(1); err != nil {
		return remote, nothingCame(err)
	}
	client, err := readProxyHeader(in.r)
	if err != nil {
		return remote, refuse(RefusedProxyHeader, fmt.Errorf("no PROXY header of a peer in listener.proxy_protocol_from: %w", err))
	}
	if !client.IsValid() {
		return remote, nil
	}
	return client, nil
}

// handshake secures the connection if that is asked for, by the listener or by the first byte. A plain one is nil.
func (e *Entrance) handshake(ctx context.Context, in peeked) (*tls.Conn, *Refusal) {
	if e.TLS == nil {
		return nil, nil
	}
	first, err := in.r.Peek(1)
	switch {
	case err != nil:
		return nil, nothingCame(err)
	case first[0] == handshakeRecord:
		secured := tls.Server(in, e.TLS())
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, refuse(RefusedTLSHandshake, fmt.Errorf("the TLS handshake failed: %w", err))
		}
		return secured, nil
	case e.AllowPlain:
		return nil, nil
	}
	return nil, refuse(RefusedPlain, errors.New("the client does not speak TLS, and listener.tls.mode is required"))
}

// handshakeRecord is the first byte of TLS (RFC 8446, 5.1); as the first of a frame's length it would mean 352 MiB.
const handshakeRecord = 0x16

func nothingCame(err error) *Refusal {
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return errNothing
	}
	return refuse(RefusedSocket, err)
}

func refuse(reason string, err error) *Refusal {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		reason = RefusedTimeout
	}
	return &Refusal{Reason: reason, Err: err}
}

// peeked is a connection of which some bytes lie in a buffer.
type peeked struct {
	net.Conn
	r *bufio.Reader
}

func (p peeked) Read(b []byte) (int, error) { return p.r.Read(b) }

// NetConn is what lies below, as with TLS.
func (p peeked) NetConn() net.Conn { return p.Conn }
