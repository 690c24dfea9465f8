package transport_test

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// fixture is one implementation under test.
type fixture struct {
	transport.Transport
	t testing.TB
}

// options are those of a transport; zero values are its defaults.
type options struct {
	limits      codec.Limits
	window      int
	dialTimeout time.Duration
}

// makers are the implementations. Each behavior is asked of all of them.
var makers = map[string]func(t testing.TB, o options) transport.Transport{
	"goroutines": func(_ testing.TB, o options) transport.Transport {
		return &transport.Net{Limits: o.limits, Window: o.window, DialTimeout: o.dialTimeout}
	},
	"goroutines, not the kernel's": func(_ testing.TB, o options) transport.Transport {
		return &opaqueNet{transport.Net{
			Limits: o.limits, Window: o.window, DialTimeout: o.dialTimeout,
			Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
				nc, err := new(net.Dialer).DialContext(ctx, network, address)
				if err != nil {
					return nil, err
				}
				return opaque{nc}, nil
			},
		}}
	},
}

// each runs a behavior on every implementation.
func each(t *testing.T, o options, behavior func(t *testing.T, w *fixture)) {
	t.Helper()
	for name, make := range makers {
		t.Run(name, func(t *testing.T) { behavior(t, &fixture{make(t, o), t}) })
	}
}

// opaque hides that a connection is a socket of the kernel, as TLS does.
type opaque struct{ net.Conn }

// opaqueNet is a Net whose accepted connections are opaque.
type opaqueNet struct{ transport.Net }

func (n *opaqueNet) Listen(address string) (transport.Listener, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return &opaqueListener{ln: ln, net: &n.Net}, nil
}

// opaqueListener is only as much of a Listener as the fixture needs; the real ones have tests of their own.
type opaqueListener struct {
	ln  net.Listener
	net *transport.Net
}

func (l *opaqueListener) Addr() netip.AddrPort { return l.ln.Addr().(*net.TCPAddr).AddrPort() }
func (l *opaqueListener) Close()               { l.ln.Close() }
func (l *opaqueListener) SetPaused(bool) error { return nil }
func (l *opaqueListener) Accept(sink transport.Sink) {
	go func() {
		for {
			nc, err := l.ln.Accept()
			if err != nil {
				return
			}
			sink.Deliver(&transport.Accepted{Conn: l.net.Wrap(opaque{nc})})
		}
	}()
}

// on runs fn while nothing else runs where the events of c run, as that is where a connection's methods are called.
// fn itself runs on the test's goroutine, so that it may fail the test.
func on(c transport.Conn, fn func()) {
	entered, done := make(chan struct{}), make(chan struct{})
	go c.Executor().Schedule(func() {
		defer transport.Outside(c.Executor())()
		close(entered)
		<-done
	})
	<-entered
	defer close(done)
	fn()
}

// accept makes a connection: the end under test, which reports to sink, and its peer.
func (w *fixture) accept(sink transport.Sink) (transport.Conn, *net.TCPConn) {
	w.t.Helper()
	c, peer := w.accepted()
	on(c, func() { c.Start(sink) })
	return c, peer
}

// accepted makes a connection that is not started.
func (w *fixture) accepted() (transport.Conn, *net.TCPConn) {
	w.t.Helper()
	ln, err := w.Listen("127.0.0.1:0")
	require.NoError(w.t, err)
	defer ln.Close()
	accepted := make(acceptSink, 1)
	ln.Accept(accepted)
	peer, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(w.t, err)
	c := accepted.next(w.t)
	w.t.Cleanup(func() {
		on(c, c.Close)
		peer.Close()
	})
	return c, peer.(*net.TCPConn)
}

// dial connects to address, for the client of downstream, and writes what is given before there can be a connection.
func (w *fixture) dial(downstream transport.Conn, address string, sink transport.Sink, early ...[]byte) transport.Conn {
	var c transport.Conn
	on(downstream, func() {
		c = w.Dial(address, transport.DownstreamOf(downstream), sink)
		for _, b := range early {
			c.Write(b, nil)
		}
	})
	w.t.Cleanup(func() { on(c, c.Close) })
	return c
}

// acceptSink takes accepted connections.
type acceptSink chan any

func (d acceptSink) Deliver(event any) { d <- event }

func (d acceptSink) next(t testing.TB) transport.Conn {
	t.Helper()
	select {
	case event := <-d:
		require.IsType(t, &transport.Accepted{}, event)
		return event.(*transport.Accepted).Conn
	case <-time.After(patience):
		require.FailNow(t, "nothing was accepted")
		return nil
	}
}

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// recordingSink is a sink that remembers, and checks of each chunk that it continues the ones before.
type recordingSink struct {
	hold bool                  // keep the chunks; releaseOnArrival ends it
	hook func(event any)       // gets the event first, on the loop or the reader's goroutine
	to   func() transport.Conn // relay there; nil: do not

	mu      sync.Mutex
	changed sync.Cond
	recorded
}

// recorded is what a recordingSink remembers.
type recorded struct {
	bytes     []byte
	count     int // bytes seen, also those of a relay, which keeps none
	frames    int
	chunks    int
	largest   int // frames in one chunk
	held      []*transport.Chunk
	rest      int
	connected int
	drained   int
	closed    []error
	order     []string // of the rare events
	wrong     []string
}

func newRecordingSink() *recordingSink {
	s := &recordingSink{}
	s.changed.L = &s.mu
	return s
}

func (s *recordingSink) Deliver(event any) {
	if s.hook != nil {
		s.hook(event)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.changed.Broadcast()
	if len(s.closed) > 0 {
		s.wrong = append(s.wrong, "an event came after Closed")
	}
	switch m := event.(type) {
	case *transport.Chunk:
		s.chunk(m)
	case *transport.Connected:
		s.connected++
		s.order = append(s.order, "connected")
	case *transport.Drained:
		s.drained++
		s.order = append(s.order, "drained")
	case *transport.Closed:
		if m.Err == nil {
			s.wrong = append(s.wrong, "Closed without a reason")
		}
		s.closed = append(s.closed, m.Err)
		s.order = append(s.order, "closed")
	}
}

func (s *recordingSink) chunk(c *transport.Chunk) {
	s.check(c)
	s.chunks++
	s.frames += len(c.Frames)
	s.largest = max(s.largest, len(c.Frames))
	s.rest = c.Rest
	s.count += len(c.B)
	switch {
	case s.to != nil:
		s.to().Write(c.B, c)
		c.Release()
		return
	case s.hold:
		s.held = append(s.held, c)
	default:
		defer c.Release()
	}
	s.bytes = append(s.bytes, c.B...)
}

// check compares what a chunk says of itself with the chunk before and with its bytes.
func (s *recordingSink) check(c *transport.Chunk) {
	end := c.Lead()
	if end != min(s.rest, len(c.B)) {
		s.wrong = append(s.wrong, "Lead is not what the chunk before left")
	}
	rest := s.rest - end
	for i := range c.Frames {
		f := &c.Frames[i]
		if f.Off != end || rest != 0 {
			s.wrong = append(s.wrong, "a frame does not begin where the one before ends")
		}
		end, rest = min(f.End, len(c.B)), f.End-min(f.End, len(c.B))
		if p, err := codec.ReadPrefix(c.Head(f), codec.Limits{}); err != nil || p.Size != f.End-f.Off || p.BodyOff() != len(c.Head(f)) {
			s.wrong = append(s.wrong, "Head is not a frame's head")
		}
		if !bytes.Equal(c.RawHeader(f), c.Head(f)[codec.PrefixLen:]) || !bytes.Equal(c.Body(f), c.B[f.BodyOff:end]) {
			s.wrong = append(s.wrong, "RawHeader and Body do not part the frame")
		}
	}
	if end != len(c.B) || rest != c.Rest {
		s.wrong = append(s.wrong, "Rest is not what is missing of the last frame")
	}
}

// await waits until cond holds; it runs under the lock.
func (s *recordingSink) await(t *testing.T, what string, cond func() bool) {
	t.Helper()
	overdue := time.AfterFunc(patience, s.changed.Broadcast)
	defer overdue.Stop()
	deadline := time.Now().Add(patience)
	s.mu.Lock()
	defer s.mu.Unlock()
	for !cond() {
		if !time.Now().Before(deadline) {
			require.FailNow(t, "waited in vain: "+what, "%d bytes, %d frames, %d chunks, events %v, closed %v", s.count, s.frames, s.chunks, s.order, s.closed)
		}
		s.changed.Wait()
	}
	require.Empty(t, s.wrong)
}

func (s *recordingSink) awaitBytes(t *testing.T, want []byte) {
	t.Helper()
	s.await(t, "bytes", func() bool { return len(s.bytes) >= len(want) })
	require.True(t, bytes.Equal(want, s.snapshot().bytes), "other bytes came than were sent")
}

// awaitClosed waits for the end and returns its reason.
func (s *recordingSink) awaitClosed(t *testing.T) error {
	t.Helper()
	s.await(t, "closed", func() bool { return len(s.closed) > 0 })
	closed := s.snapshot().closed
	require.Len(t, closed, 1)
	return closed[0]
}

// snapshot is what has come so far.
func (s *recordingSink) snapshot() recorded {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recorded
}

// release gives the held chunks back, where c runs. More may come meanwhile; they are held again.
func (s *recordingSink) release(c transport.Conn) {
	on(c, func() {
		s.mu.Lock()
		held := s.held
		s.held = nil
		s.mu.Unlock()
		for _, chunk := range held {
			chunk.Release()
		}
	})
}

// releaseOnArrival releases what is held, and from now on each chunk at once.
func (s *recordingSink) releaseOnArrival(c transport.Conn) {
	s.mu.Lock()
	s.hold = false
	s.mu.Unlock()
	s.release(c)
}

// discardSink drops all events.
type discardSink struct{}

func (discardSink) Deliver(event any) {
	if c, ok := event.(*transport.Chunk); ok {
		c.Release()
	}
}

// frame is a frame with a body of n bytes that show where they belong.
func frame(opaque int32, n int) []byte {
	body := make([]byte, n)
	for i := range body {
		body[i] = byte(int(opaque)*31 + i*7 + i>>8)
	}
	c := codec.Command{Code: 310, Opaque: opaque, Body: body}
	return c.Append(nil, codec.Encoding(opaque%2))
}

// frames are n frames with bodies of the given size.
func frames(n, body int) (stream []byte) {
	for i := range int32(n) {
		stream = append(stream, frame(i, body)...)
	}
	return stream
}

// send writes to a peer in the background, and reports when all of it is in the socket.
func send(peer net.Conn, b []byte) (sent chan error) {
	sent = make(chan error, 1)
	go func() {
		_, err := peer.Write(b)
		sent <- err
	}()
	return sent
}

// receive reads n bytes from a peer.
func receive(t *testing.T, peer net.Conn, n int) []byte {
	t.Helper()
	require.NoError(t, peer.SetReadDeadline(time.Now().Add(patience)))
	b := make([]byte, n)
	for got := 0; got < n; {
		m, err := peer.Read(b[got:])
		got += m
		require.NoError(t, err, "after %d of %d bytes", got, n)
	}
	return b
}
