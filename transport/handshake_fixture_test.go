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

func isNoFrame(t *testing.T, err error) {
	t.Helper()
	var malformed *codec.FrameError
	require.ErrorAs(t, err, &malformed)
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
