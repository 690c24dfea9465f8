package transport_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/testca"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// inTime bounds waiting for what is about to happen. It is never the thing that is tested.
const inTime = 20 * time.Second

// handshakeFixture is a listener behind a handshake, and what has passed it.
type handshakeFixture struct {
	t        *testing.T
	ln       transport.Listener
	accepted chan transport.Conn
	rejected chan transport.Rejection
}

func (h *handshakeFixture) Deliver(event any) {
	if m, ok := event.(*transport.Accepted); ok {
		h.accepted <- m.Conn
	}
}

// withHandshake runs a test in front of a handshake, with each transport of this system.
func withHandshake(t *testing.T, e transport.DownstreamHandshake, test func(h *handshakeFixture)) {
	t.Helper()
	best, stop, err := transport.New(codec.Limits{}, 0, 0, 0)
	require.NoError(t, err)
	t.Cleanup(stop)
	for name, tr := range map[string]transport.Transport{"best": best, "goroutines": &transport.Net{}} {
		t.Run(name, func(t *testing.T) {
			ln, err := tr.Listen("127.0.0.1:0")
			require.NoError(t, err)
			h := newHandshakeFixture(t, ln, e)
			test(h)
			h.ln.Close()
			require.Empty(t, h.rejected, "more was rejected than the test expects")
		})
	}
}

func newHandshakeFixture(t *testing.T, ln transport.Listener, e transport.DownstreamHandshake) *handshakeFixture {
	h := &handshakeFixture{t: t, accepted: make(chan transport.Conn, 100), rejected: make(chan transport.Rejection, 100)}
	e.Rejected = func(r transport.Rejection) { h.rejected <- r }
	h.ln = e.Wrap(ln)
	h.ln.Accept(h)
	return h
}

// connect connects and writes something.
func (h *handshakeFixture) connect(what ...string) net.Conn {
	h.t.Helper()
	c, err := net.Dial("tcp", h.ln.Addr().String())
	require.NoError(h.t, err)
	h.t.Cleanup(func() { c.Close() })
	_, err = c.Write([]byte(strings.Join(what, "")))
	require.NoError(h.t, err)
	return c
}

// acceptedConn is a connection that passed the handshake, and what came from it.
type acceptedConn struct {
	transport.Conn
	mu       sync.Mutex
	received []byte
	closed   chan error
}

func (g *acceptedConn) Deliver(event any) {
	switch m := event.(type) {
	case *transport.Chunk:
		g.mu.Lock()
		g.received = append(g.received, m.B...)
		g.mu.Unlock()
		m.Release()
	case *transport.Closed:
		g.closed <- m.Err
	}
}

// accepts waits for a connection and the wanted frames from it.
func (h *handshakeFixture) accepts(want string) *acceptedConn {
	h.t.Helper()
	g := &acceptedConn{Conn: await(h.t, h.accepted), closed: make(chan error, 1)}
	h.t.Cleanup(func() { g.Executor().Schedule(g.Close) })
	g.Executor().Schedule(func() { g.Start(g) })
	require.Eventually(h.t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return string(g.received) == want
	}, inTime, time.Millisecond)
	return g
}

// rejects waits for a rejection, and for the end of the connection.
func (h *handshakeFixture) rejects(c net.Conn, reason string) transport.Rejection {
	h.t.Helper()
	r := await(h.t, h.rejected)
	require.Equal(h.t, reason, r.Reason, "%v", r.Err)
	require.Error(h.t, r.Err)
	h.awaitEnd(c)
	return r
}

func (h *handshakeFixture) awaitEnd(c net.Conn) {
	h.t.Helper()
	c.SetReadDeadline(time.Now().Add(inTime))
	_, err := io.Copy(io.Discard, c)
	require.NotErrorIs(h.t, err, net.ErrClosed)
	var late net.Error
	require.False(h.t, errors.As(err, &late) && late.Timeout(), "the connection is still open")
}

func await[T any](t *testing.T, from chan T) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(inTime):
		require.FailNow(t, "it did not come")
	}
	return got
}

// A frame as a client sends it.
func request(body string) string {
	c := codec.Command{Code: codec.ReqGetRouteInfoByTopic, Opaque: 7, Ext: map[string]string{"topic": "T"}, Body: []byte(body)}
	return string(c.Append(nil, codec.JSON))
}

// onLoop reports whether a connection is on an event loop, where there are any.
func onLoop(c transport.Conn) bool { return c.Executor() != transport.Executor(transport.Inline{}) }

func serverTLS(t *testing.T, ca *testca.CA) func() *tls.Config {
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.Certificate(t, "mq")}}
	return func() *tls.Config { return cfg }
}

func TestTheFirstByteDecides(t *testing.T) {
	ca := testca.New(t)
	withHandshake(t, transport.DownstreamHandshake{TLS: serverTLS(t, ca), AllowPlain: true}, func(h *handshakeFixture) {
		c := h.connect(request("plain"))
		g := h.accepts(request("plain"))
		require.Equal(h.t, c.LocalAddr().String(), g.Remote().String())
		if strings.HasSuffix(h.t.Name(), "best") {
			require.Equal(h.t, loopsHere, onLoop(g), "a plain connection ends up where those of a plain listener are")
		}

		secured := tls.Client(h.connect(), &tls.Config{RootCAs: ca.Pool, ServerName: "mq"})
		_, err := secured.Write([]byte(request("under TLS")))
		require.NoError(h.t, err)
		g = h.accepts(request("under TLS"))
		require.Equal(h.t, secured.LocalAddr().String(), g.Remote().String())
		require.Equal(h.t, h.ln.Addr(), g.Local())
		g.Write([]byte("answer"), nil)
		answer := make([]byte, len("answer"))
		_, err = io.ReadFull(secured, answer)
		require.NoError(h.t, err)
		require.Equal(h.t, "answer", string(answer))
		secured.Close()
		require.ErrorIs(h.t, await(h.t, g.closed), io.EOF)
	})
}

func TestTLSRequired(t *testing.T) {
	ca := testca.New(t)
	withHandshake(t, transport.DownstreamHandshake{TLS: serverTLS(t, ca)}, func(h *handshakeFixture) {
		c := h.connect(request("plain"))
		require.Equal(h.t, c.LocalAddr().String(), h.rejects(c, transport.RejectedPlain).Remote.String())

		half := "\x16\x03\x01\x02\x00\x01\x00" // the head of a record of 512 bytes, and two of them
		c = h.connect(half)
		require.NoError(h.t, c.(*net.TCPConn).CloseWrite())
		h.rejects(c, transport.RejectedTLSHandshake)
		h.rejects(h.connect("\x16\x03\x01\x00\x05hello, is this TLS?"), transport.RejectedTLSHandshake)

		// A client that does not know the authority.
		c = h.connect()
		require.ErrorContains(h.t, tls.Client(c, &tls.Config{ServerName: "mq"}).Handshake(), "unknown authority")
		h.rejects(c, transport.RejectedTLSHandshake)

		// Health checks come and go without a word.
		h.connect().Close()
		check := h.connect().(*net.TCPConn)
		require.NoError(h.t, check.SetLinger(0))
		check.Close()
		secured := tls.Client(h.connect(), &tls.Config{RootCAs: ca.Pool, ServerName: "mq"})
		_, err := secured.Write([]byte(request("x")))
		require.NoError(h.t, err)
		h.accepts(request("x"))
	})
}

func TestClientCertificates(t *testing.T) {
	ca, others := testca.New(t), testca.New(t)
	cfg := serverTLS(t, ca)()
	cfg.ClientAuth, cfg.ClientCAs = tls.RequireAndVerifyClientCert, ca.Pool
	withHandshake(t, transport.DownstreamHandshake{TLS: func() *tls.Config { return cfg }}, func(h *handshakeFixture) {
		try := func(certificates ...tls.Certificate) net.Conn {
			c := h.connect()
			secured := tls.Client(c, &tls.Config{RootCAs: ca.Pool, ServerName: "mq", Certificates: certificates})
			if secured.Handshake() == nil { // in TLS 1.3 the server judges after that
				secured.Write([]byte(request("x")))
			}
			return c
		}
		h.rejects(try(), transport.RejectedTLSHandshake)
		h.rejects(try(others.Certificate(h.t, "client")), transport.RejectedTLSHandshake)
		try(ca.Certificate(h.t, "client"))
		h.accepts(request("x"))
	})
}

func TestProxyHeaderNamesTheClient(t *testing.T) {
	ca := testca.New(t)
	local := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	v1 := "PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\n"
	v2 := "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x03\xe8\x07\xd0"
	withHandshake(t, transport.DownstreamHandshake{ProxyFrom: local}, func(h *handshakeFixture) {
		for _, header := range []string{v1, v2} {
			h.connect(header, request("x"))
			g := h.accepts(request("x"))
			require.Equal(h.t, "192.0.2.1:1000", g.Remote().String())
			if strings.HasSuffix(h.t.Name(), "best") {
				require.Equal(h.t, loopsHere, onLoop(g))
			}
		}
		for _, header := range []string{"PROXY UNKNOWN\r\n", "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"} { // UNKNOWN, LOCAL
			c := h.connect(header, request("x"))
			require.Equal(h.t, c.LocalAddr().String(), h.accepts(request("x")).Remote().String())
		}
		// A header is due, and once.
		h.rejects(h.connect(request("x")), transport.RejectedProxyHeader)
		h.rejects(h.connect("PROXY TCP4 nonsense\r\n", request("x")), transport.RejectedProxyHeader)
		h.rejects(h.connect("PROXY ", strings.Repeat("x", 200)), transport.RejectedProxyHeader)
		h.rejects(h.connect(v2[:12], "\x21\x11\xff\xff", strings.Repeat("x", 70000)), transport.RejectedProxyHeader)
		c := h.connect(v2[:20])
		require.NoError(h.t, c.(*net.TCPConn).CloseWrite())
		h.rejects(c, transport.RejectedProxyHeader)
		h.connect(v1, v1)
		isNoFrame(h.t, await(h.t, h.accepts("").closed))
		h.connect().Close()
	})
	withHandshake(t, transport.DownstreamHandshake{ProxyFrom: local, TLS: serverTLS(t, ca)}, func(h *handshakeFixture) {
		secured := tls.Client(h.connect(v2), &tls.Config{RootCAs: ca.Pool, ServerName: "mq"})
		_, err := secured.Write([]byte(request("x")))
		require.NoError(h.t, err)
		require.Equal(h.t, "192.0.2.1:1000", h.accepts(request("x")).Remote().String())
	})
}

// What strangers send is never looked at as a header.
func TestProxyHeaderFromStrangers(t *testing.T) {
	ca := testca.New(t)
	elsewhere := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	headers := []string{"PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\n", "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"}
	for _, e := range []transport.DownstreamHandshake{{}, {ProxyFrom: elsewhere}, {ProxyFrom: elsewhere, TLS: serverTLS(t, ca), AllowPlain: true}} {
		withHandshake(t, e, func(h *handshakeFixture) {
			for _, header := range headers {
				c := h.connect(header, request("x"))
				g := h.accepts("")
				isNoFrame(h.t, await(h.t, g.closed))
				h.awaitEnd(c)
			}
			c := h.connect(request("x"))
			require.Equal(h.t, c.LocalAddr().String(), h.accepts(request("x")).Remote().String())
		})
	}
	withHandshake(t, transport.DownstreamHandshake{ProxyFrom: elsewhere, TLS: serverTLS(t, ca)}, func(h *handshakeFixture) {
		h.rejects(h.connect(headers[0], request("x")), transport.RejectedPlain)
	})
}

func isNoFrame(t *testing.T, err error) {
	t.Helper()
	var malformed *codec.FrameError
	require.ErrorAs(t, err, &malformed)
}

func TestTLSToAPlainPort(t *testing.T) {
	withHandshake(t, transport.DownstreamHandshake{}, func(h *handshakeFixture) {
		c := h.connect()
		go tls.Client(c, &tls.Config{InsecureSkipVerify: true}).Handshake()
		isNoFrame(h.t, await(h.t, h.accepts("").closed))
	})
}

// Clients that send nothing hold up no other, and the end of the listener is theirs.
func TestSilentOnesHoldUpNobody(t *testing.T) {
	withHandshake(t, transport.DownstreamHandshake{TLS: serverTLS(t, testca.New(t)), AllowPlain: true, Timeout: time.Hour}, func(h *handshakeFixture) {
		var silent []net.Conn
		for range 100 {
			silent = append(silent, h.connect())
		}
		h.connect(request("x"))
		h.accepts(request("x"))
		h.ln.Close()
		for _, c := range silent {
			h.awaitEnd(c)
		}
	})
}

// A rejection says what the client speaks, so that the line says what to look for.
func TestRejectionSaysWhatTheClientSpeaks(t *testing.T) {
	received := map[string]string{
		request("x"):                        "a plain RocketMQ client",
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n": codec.LooksLikeHTTP,
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":  codec.LooksLikeGRPC,
	}
	local := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	withHandshake(t, transport.DownstreamHandshake{TLS: serverTLS(t, testca.New(t))}, func(h *handshakeFixture) {
		for bytes, protocol := range received {
			require.ErrorContains(h.t, h.rejects(h.connect(bytes), transport.RejectedPlain).Err, "look like "+protocol)
		}
		header := "PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\n"
		require.ErrorContains(h.t, h.rejects(h.connect(header), transport.RejectedPlain).Err, "look like "+codec.LooksLikeProxy)
	})
	withHandshake(t, transport.DownstreamHandshake{ProxyFrom: local}, func(h *handshakeFixture) {
		for bytes, protocol := range received {
			require.ErrorContains(h.t, h.rejects(h.connect(bytes), transport.RejectedProxyHeader).Err, "look like "+protocol)
		}
		tls := "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
		require.ErrorContains(h.t, h.rejects(h.connect(tls), transport.RejectedProxyHeader).Err, "look like "+codec.LooksLikeTLS)
	})
}

// No more handshakes are in progress than there may be clients; one that ends makes room.
func TestTooManyHandshakes(t *testing.T) {
	e := transport.DownstreamHandshake{TLS: serverTLS(t, testca.New(t)), AllowPlain: true, Timeout: time.Hour, MaxInProgress: func() int { return 3 }}
	withHandshake(t, e, func(h *handshakeFixture) {
		silent := []net.Conn{h.connect(), h.connect(), h.connect()}
		h.rejects(h.connect(), transport.RejectedTooMany)
		_, err := silent[0].Write([]byte(request("x")))
		require.NoError(h.t, err)
		h.accepts(request("x"))
		for admitted := false; !admitted; { // a moment later there is room
			h.connect(request("y"))
			select {
			case c := <-h.accepted:
				admitted = true
				c.Close()
			case r := <-h.rejected:
				require.Equal(h.t, transport.RejectedTooMany, r.Reason)
			}
		}
		h.ln.Close()
		for _, c := range silent[1:] {
			h.awaitEnd(c)
		}
	})
}

// pipes is a listener of connections that are not sockets, for virtual time.
type pipes struct{ sink transport.Sink }

func (p *pipes) Accept(s transport.Sink) { p.sink = s }
func (p *pipes) Addr() netip.AddrPort    { return netip.AddrPort{} }
func (p *pipes) Close()                  {}
func (p *pipes) SetPaused(bool) error    { return nil }

func (p *pipes) connect() net.Conn {
	ours, theirs := net.Pipe()
	p.sink.Deliver(&transport.Accepted{Conn: new(transport.Net).Wrap(ours)})
	return theirs
}

func TestSlowOnesAreCutAtTheTimeout(t *testing.T) {
	cfg := serverTLS(t, testca.New(t))
	for _, beginning := range []string{"", "\x16", "\x16\x03\x01\x02\x00\x01\x00"} {
		synctest.Test(t, func(t *testing.T) {
			p := &pipes{}
			h := newHandshakeFixture(t, p, transport.DownstreamHandshake{TLS: cfg, AllowPlain: true, Timeout: 7 * time.Second})
			begun := time.Now()
			c := p.connect()
			defer c.Close()
			for _, b := range []byte(beginning) { // drop by drop does not help
				_, err := c.Write([]byte{b})
				require.NoError(t, err)
				time.Sleep(time.Second / 2)
			}
			require.Equal(t, transport.RejectedTimeout, (<-h.rejected).Reason)
			require.Equal(t, 7*time.Second, time.Since(begun))
			_, err := c.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF)
		})
	}
}

// A goodbye that the peer does not take must not hold up the owner.
func TestClosingUnderTLSDoesNotBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := testca.New(t)
		cfg := serverTLS(t, ca)()
		cfg.SessionTicketsDisabled = true // nothing is to be written after the handshake
		p := &pipes{}
		h := newHandshakeFixture(t, p, transport.DownstreamHandshake{TLS: func() *tls.Config { return cfg }})
		nc := p.connect()
		defer nc.Close()
		require.NoError(t, tls.Client(nc, &tls.Config{RootCAs: ca.Pool, ServerName: "mq"}).Handshake())
		c := <-h.accepted
		begun := time.Now()
		c.Close() // nc is no longer read
		require.Zero(t, time.Since(begun))
	})
}
