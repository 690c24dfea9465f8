package transport

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// channelSink gives what a socket says to a test.
type channelSink chan any

func (s channelSink) Deliver(event any) { s <- event }

func (s channelSink) next(t *testing.T) any {
	t.Helper()
	select {
	case event := <-s:
		return event
	case <-time.After(30 * time.Second):
		t.Fatal("nothing happened")
		return nil
	}
}

func sharingLoops(t *testing.T) *Loops {
	t.Helper()
	loops, err := NewLoops(1, codec.Limits{}, 0, 0, time.Second)
	require.NoError(t, err)
	t.Cleanup(loops.Close)
	return loops
}

// onLoop runs f where the sockets of a connection live.
func onLoop(c Conn, f func()) {
	done := make(chan struct{})
	c.Executor().Schedule(func() { defer close(done); f() })
	<-done
}

// accepted returns the two ends of a connection, of which ours is started.
func acceptedPair(t *testing.T, loops *Loops) (client net.Conn, conn Conn, events channelSink) {
	t.Helper()
	ln, err := loops.Listen("127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(ln.Close)
	arrivals := make(channelSink, 10)
	ln.Accept(arrivals)
	client, err = net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { client.Close() })
	conn = arrivals.next(t).(*Accepted).Conn
	events = make(channelSink, 100)
	onLoop(conn, func() { conn.Start(events) })
	return client, conn, events
}

func detach(c Conn) (fd int, err error) {
	onLoop(c, func() { fd, err = Detach(c) })
	return fd, err
}

var sharedFrame = (&codec.Command{Code: codec.ReqHeartBeat, Opaque: 1, Body: []byte("a body")}).Append(nil, codec.JSON)

// A detached socket goes on in another transport with what was not read, and the first one gets no event of it.
func TestDetachAndAdopt(t *testing.T) {
	first, second := sharingLoops(t), sharingLoops(t)
	client, conn, events := acceptedPair(t, first)
	client.Write(sharedFrame)
	onLoop(conn, events.next(t).(*Chunk).Release)
	fd, err := detach(conn)
	require.NoError(t, err)
	_, err = client.Write(sharedFrame)
	require.NoError(t, err)

	adopted := second.Adopt(fd, nil)
	later := make(channelSink, 100)
	onLoop(adopted, func() { adopted.Start(later) })
	chunk := later.next(t).(*Chunk)
	require.Equal(t, sharedFrame, chunk.B)
	onLoop(adopted, chunk.Release)
	onLoop(adopted, func() { adopted.Write([]byte("answer"), nil) })
	got := make([]byte, 6)
	_, err = io.ReadFull(client, got)
	require.NoError(t, err)
	require.Equal(t, "answer", string(got))
	require.Empty(t, events)
	_, err = detach(conn)
	require.ErrorIs(t, err, errors.ErrUnsupported, "it is gone from here")
	require.Equal(t, adopted.Executor(), second.Adopt(-1, adopted.Executor()).Executor())
}

// A socket that its peer has reset on its way to another transport has an address, though not the peer's.
func TestAdoptedAfterAReset(t *testing.T) {
	loops := sharingLoops(t)
	client, conn, _ := acceptedPair(t, loops)
	fd, err := detach(conn)
	require.NoError(t, err)
	require.NoError(t, client.(*net.TCPConn).SetLinger(0))
	client.Close()
	require.Eventually(t, func() bool { _, err := unix.Getpeername(fd); return err != nil }, 30*time.Second, time.Millisecond)
	adopted := loops.Adopt(fd, nil)
	require.Equal(t, "0.0.0.0:0", adopted.Remote().String())
	adopted.Close()
}

// No socket is detached in the middle of anything.
func TestDetachOnlyBetweenFrames(t *testing.T) {
	for _, c := range []struct {
		what  string
		write []byte
		keep  bool // the chunk is not given back
		reply int  // bytes to write to a client that does not read
	}{
		{what: "half a header", write: append(sharedFrame[:len(sharedFrame):len(sharedFrame)], sharedFrame[:10]...)},
		{what: "half a body", write: sharedFrame[:len(sharedFrame)-1]},
		{what: "a chunk is out", write: sharedFrame, keep: true},
		{what: "an answer that does not fit", write: sharedFrame, reply: 32 << 20},
	} {
		t.Run(c.what, func(t *testing.T) {
			client, conn, events := acceptedPair(t, sharingLoops(t))
			client.Write(c.write)
			chunk := events.next(t).(*Chunk)
			if !c.keep {
				onLoop(conn, chunk.Release)
			}
			onLoop(conn, func() { conn.Write(make([]byte, c.reply), nil) })
			_, err := detach(conn)
			require.ErrorIs(t, err, ErrMidFrame)
			if c.keep {
				onLoop(conn, chunk.Release)
				fd, err := detach(conn)
				require.NoError(t, err)
				unix.Close(fd)
			}
		})
	}
}

// Retire takes in all that have connected: none of them is reset.
func TestRetireTakesInTheQueue(t *testing.T) {
	loops := sharingLoops(t)
	ln, err := loops.Listen("127.0.0.1:0")
	require.NoError(t, err)
	arrivals := make(channelSink, 1000)
	ln.(*netListener).sink = arrivals // it never accepts by itself
	var clients []net.Conn
	for range 100 {
		c, err := net.Dial("tcp", ln.Addr().String())
		require.NoError(t, err)
		defer c.Close()
		clients = append(clients, c)
	}
	Retire(ln)
	require.Len(t, arrivals, len(clients))
	for range clients {
		conn := arrivals.next(t).(*Accepted).Conn
		onLoop(conn, func() { conn.Write([]byte("x"), nil) })
	}
	for _, c := range clients {
		_, err := io.ReadFull(c, make([]byte, 1))
		require.NoError(t, err)
	}
	_, err = net.Dial("tcp", ln.Addr().String())
	require.ErrorIs(t, err, unix.ECONNREFUSED)
}

// A listening socket that two processes have open refuses no connection when one of them closes it, and loses none that waits.
func TestInheritedListener(t *testing.T) {
	first, second := sharingLoops(t), sharingLoops(t)
	ln, err := first.Listen("127.0.0.1:0")
	require.NoError(t, err)
	fd, err := DuplicateListener(ln)
	require.NoError(t, err)
	heir, err := second.Inherit(fd)
	require.NoError(t, err)
	defer heir.Close()
	require.Equal(t, ln.Addr(), heir.Addr())
	client, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	defer client.Close()
	ln.Close()
	arrivals := make(channelSink, 10)
	heir.Accept(arrivals)
	conn := arrivals.next(t).(*Accepted).Conn
	onLoop(conn, func() { conn.Write([]byte("x"), nil) })
	_, err = io.ReadFull(client, make([]byte, 1))
	require.NoError(t, err)

	_, err = DuplicateListener(ln)
	require.Error(t, err)
	file, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	_, err = second.Inherit(file)
	require.Error(t, err)
}

// With ListenShared two have the same port; Listen is refused it.
func TestListenShared(t *testing.T) {
	loops := sharingLoops(t)
	first, err := loops.ListenShared("127.0.0.1:0")
	require.NoError(t, err)
	defer first.Close()
	second, err := loops.ListenShared(first.Addr().String())
	require.NoError(t, err)
	defer second.Close()
	_, err = loops.Listen(first.Addr().String())
	require.ErrorIs(t, err, unix.EADDRINUSE)
}

// A socket that two processes share stops listening for both when one of them refuses; the other one listens again,
// also after the first has ended.
func TestSharedSocketOutlivesARefusal(t *testing.T) {
	loops := sharingLoops(t)
	ln, err := loops.Listen("127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(ln.Close)
	arrivals := make(channelSink, 100)
	ln.Accept(arrivals)
	fd, err := DuplicateListener(ln)
	require.NoError(t, err)
	other, err := sharingLoops(t).Inherit(fd)
	require.NoError(t, err)
	require.NoError(t, other.SetPaused(true))
	other.Close()

	var client net.Conn
	require.Eventually(t, func() bool {
		client, err = net.Dial("tcp", ln.Addr().String())
		return err == nil
	}, 30*time.Second, time.Millisecond, "it listens again")
	t.Cleanup(func() { client.Close() })
	require.IsType(t, &Accepted{}, arrivals.next(t))
}
