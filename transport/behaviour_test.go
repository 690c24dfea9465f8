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

// world is one implementation under test.
type world struct {
	transport.Transport
	t testing.TB
}

// options are those of a transport; zero values are its defaults.
type options struct {
	limits      codec.Limits
	window      int
	dialTimeout time.Duration
}

// makers are the implementations. Each behaviour is asked of all of them.
var makers = map[string]func(t testing.TB, o options) transport.Transport{
	"goroutines": func(_ testing.TB, o options) transport.Transport {
		return &transport.Net{Limits: o.limits, Window: o.window, DialTimeout: o.dialTimeout}
	},
	"goroutines, not the kernel's": func(_ testing.TB, o options) transport.Transport {
		return &opaqueNet{transport.Net{Limits: o.limits, Window: o.window, DialTimeout: o.dialTimeout,
			Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
				nc, err := new(net.Dialer).DialContext(ctx, network, address)
				if err != nil {
					return nil, err
				}
				return opaque{nc}, nil
			}}}
	},
}

// each runs a behaviour in every world.
func each(t *testing.T, o options, behaviour func(t *testing.T, w *world)) {
	t.Helper()
	for name, make := range makers {
		t.Run(name, func(t *testing.T) { behaviour(t, &world{make(t, o), t}) })
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
		close(entered)
		<-done
	})
	<-entered
	defer close(done)
	fn()
}

// accept makes a connection: the end under test, which reports to sink, and its peer.
func (w *world) accept(sink transport.Sink) (transport.Conn, *net.TCPConn) {
	w.t.Helper()
	c, peer := w.accepted()
	on(c, func() { c.Start(sink) })
	return c, peer
}

// accepted makes a connection that is not started.
func (w *world) accepted() (transport.Conn, *net.TCPConn) {
	w.t.Helper()
	ln, err := w.Listen("127.0.0.1:0")
	require.NoError(w.t, err)
	defer ln.Close()
	door := make(doorman, 1)
	ln.Accept(door)
	peer, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(w.t, err)
	c := door.next(w.t)
	w.t.Cleanup(func() {
		on(c, c.Close)
		peer.Close()
	})
	return c, peer.(*net.TCPConn)
}

// dial connects to address, for the client near, and writes what is given before there can be a connection.
func (w *world) dial(near transport.Conn, address string, sink transport.Sink, early ...[]byte) transport.Conn {
	var c transport.Conn
	on(near, func() {
		c = w.Dial(address, transport.DownstreamOf(near), sink)
		for _, b := range early {
			c.Write(b, nil)
		}
	})
	w.t.Cleanup(func() { on(c, c.Close) })
	return c
}

// doorman takes accepted connections.
type doorman chan any

func (d doorman) Deliver(event any) { d <- event }

func (d doorman) next(t testing.TB) transport.Conn {
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

// ear is a sink that remembers, and checks of each chunk that it continues the ones before.
type ear struct {
	hold bool                  // keep the chunks; letGo ends it
	hook func(event any)       // is told first, on the loop or the reader's goroutine
	to   func() transport.Conn // relay there; nil: do not

	mu      sync.Mutex
	changed sync.Cond
	heard
}

// heard is what an ear remembers.
type heard struct {
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

func newEar() *ear {
	e := &ear{}
	e.changed.L = &e.mu
	return e
}

func (e *ear) Deliver(event any) {
	if e.hook != nil {
		e.hook(event)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.changed.Broadcast()
	if len(e.closed) > 0 {
		e.wrong = append(e.wrong, "an event came after Closed")
	}
	switch m := event.(type) {
	case *transport.Chunk:
		e.chunk(m)
	case *transport.Connected:
		e.connected++
		e.order = append(e.order, "connected")
	case *transport.Drained:
		e.drained++
		e.order = append(e.order, "drained")
	case *transport.Closed:
		if m.Err == nil {
			e.wrong = append(e.wrong, "Closed without a reason")
		}
		e.closed = append(e.closed, m.Err)
		e.order = append(e.order, "closed")
	}
}

func (e *ear) chunk(c *transport.Chunk) {
	e.check(c)
	e.chunks++
	e.frames += len(c.Frames)
	e.largest = max(e.largest, len(c.Frames))
	e.rest = c.Rest
	e.count += len(c.B)
	switch {
	case e.to != nil:
		e.to().Write(c.B, c)
		c.Release()
		return
	case e.hold:
		e.held = append(e.held, c)
	default:
		defer c.Release()
	}
	e.bytes = append(e.bytes, c.B...)
}

// check compares what a chunk says of itself with the chunk before and with its bytes.
func (e *ear) check(c *transport.Chunk) {
	end := c.Lead()
	if end != min(e.rest, len(c.B)) {
		e.wrong = append(e.wrong, "Lead is not what the chunk before left")
	}
	rest := e.rest - end
	for i := range c.Frames {
		f := &c.Frames[i]
		if f.Off != end || rest != 0 {
			e.wrong = append(e.wrong, "a frame does not begin where the one before ends")
		}
		end, rest = min(f.End, len(c.B)), f.End-min(f.End, len(c.B))
		if p, err := codec.ReadPrefix(c.Head(f), codec.Limits{}); err != nil || p.Size != f.End-f.Off || p.BodyOff() != len(c.Head(f)) {
			e.wrong = append(e.wrong, "Head is not a frame's head")
		}
		if !bytes.Equal(c.RawHeader(f), c.Head(f)[codec.PrefixLen:]) || !bytes.Equal(c.Body(f), c.B[f.BodyOff:end]) {
			e.wrong = append(e.wrong, "RawHeader and Body do not part the frame")
		}
	}
	if end != len(c.B) || rest != c.Rest {
		e.wrong = append(e.wrong, "Rest is not what is missing of the last frame")
	}
}

// await waits until cond holds; it runs under the lock.
func (e *ear) await(t *testing.T, what string, cond func() bool) {
	t.Helper()
	overdue := time.AfterFunc(patience, e.changed.Broadcast)
	defer overdue.Stop()
	deadline := time.Now().Add(patience)
	e.mu.Lock()
	defer e.mu.Unlock()
	for !cond() {
		if !time.Now().Before(deadline) {
			require.FailNow(t, "waited in vain: "+what, "%d bytes, %d frames, %d chunks, events %v, closed %v", e.count, e.frames, e.chunks, e.order, e.closed)
		}
		e.changed.Wait()
	}
	require.Empty(t, e.wrong)
}

func (e *ear) awaitBytes(t *testing.T, want []byte) {
	t.Helper()
	e.await(t, "bytes", func() bool { return len(e.bytes) >= len(want) })
	require.True(t, bytes.Equal(want, e.look().bytes), "other bytes came than were sent")
}

// awaitClosed waits for the end and returns its reason.
func (e *ear) awaitClosed(t *testing.T) error {
	t.Helper()
	e.await(t, "closed", func() bool { return len(e.closed) > 0 })
	closed := e.look().closed
	require.Len(t, closed, 1)
	return closed[0]
}

// look is what has been heard so far.
func (e *ear) look() heard {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.heard
}

// release gives the held chunks back, where c runs. More may come meanwhile; they are held again.
func (e *ear) release(c transport.Conn) {
	on(c, func() {
		e.mu.Lock()
		held := e.held
		e.held = nil
		e.mu.Unlock()
		for _, chunk := range held {
			chunk.Release()
		}
	})
}

// letGo releases what is held, and from now on each chunk at once.
func (e *ear) letGo(c transport.Conn) {
	e.mu.Lock()
	e.hold = false
	e.mu.Unlock()
	e.release(c)
}

// deaf wants to hear nothing.
type deaf struct{}

func (deaf) Deliver(event any) {
	if c, ok := event.(*transport.Chunk); ok {
		c.Release()
	}
}

// frame is a frame with a body of n bytes that tell where they belong.
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

// send writes to a peer in the background, and tells when all of it is in the socket.
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
