package transport_test

import (
	"bytes"
	"io"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

func TestPeerFinishes(t *testing.T) {
	whole, part := frame(1, 100), frame(3, 100)[:60]
	for _, sent := range [][]byte{nil, whole, part, append(whole, part...), part[:6]} {
		each(t, options{}, func(t *testing.T, w *fixture) {
			sink := newRecordingSink()
			_, peer := w.accept(sink)
			_, err := peer.Write(sent)
			require.NoError(t, err)
			require.NoError(t, peer.CloseWrite())
			require.ErrorIs(t, sink.awaitClosed(t), io.EOF)
			if len(sent) > 6 {
				require.True(t, bytes.Equal(sent, sink.snapshot().bytes), "what came before the end is not lost")
			}
		})
	}
}

func TestPeerResets(t *testing.T) {
	each(t, options{}, func(t *testing.T, w *fixture) {
		sink := newRecordingSink()
		c, peer := w.accept(sink)
		_, err := peer.Write(frame(1, 10))
		require.NoError(t, err)
		sink.awaitBytes(t, frame(1, 10))
		require.NoError(t, peer.SetLinger(0))
		require.NoError(t, peer.Close())
		require.ErrorIs(t, sink.awaitClosed(t), syscall.ECONNRESET)
		on(c, func() {
			c.Write([]byte("too late"), nil)
			require.Zero(t, c.Kept())
		})
	})
}

// A reset is delivered although nothing is read for want of a window, at the latest when chunks come back.
func TestPeerResetsWhileReadingPauses(t *testing.T) {
	each(t, options{window: 4 << 10}, func(t *testing.T, w *fixture) {
		sink := newRecordingSink()
		sink.hold = true
		c, peer := w.accept(sink)
		_, err := peer.Write(frames(100, 500))
		require.NoError(t, err)
		sink.await(t, "a chunk, which fills the window", func() bool { return sink.count > 0 })
		require.NoError(t, peer.SetLinger(0))
		require.NoError(t, peer.Close())
		sink.releaseOnArrival(c)
		require.Error(t, sink.awaitClosed(t))
		require.Zero(t, transport.Handed(c))
	})
}

// After the owner's Close nothing comes and nothing happens, whatever is done to the connection.
func TestClosedByItsOwner(t *testing.T) {
	each(t, options{}, func(t *testing.T, w *fixture) {
		sink := newRecordingSink()
		c, peer := w.accept(sink)
		_, err := peer.Write(frame(1, 10))
		require.NoError(t, err)
		sink.awaitBytes(t, frame(1, 10))
		on(c, func() {
			c.Close()
			c.Close()
			c.Write([]byte("x"), nil)
			require.Zero(t, c.Kept())
		})
		_, err = peer.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		on(c, func() { c.Start(sink) })
		peer.Write(frame(2, 10))
		on(c, func() {})
		on(c, func() {})
		require.Equal(t, frame(1, 10), sink.snapshot().bytes)
		require.Empty(t, sink.snapshot().closed)
	})
}

// What was written and fitted into the socket reaches the peer although Close comes at once: so the last answer of a
// connection that is stopped does.
func TestWrittenAndClosed(t *testing.T) {
	answer := frame(1, 10_000)
	each(t, options{}, func(t *testing.T, w *fixture) {
		c, peer := w.accept(discardSink{})
		on(c, func() { c.Write(answer, nil) })
		require.Eventually(t, func() bool { return c.Kept() == 0 }, patience, time.Millisecond)
		on(c, c.Close)
		require.Equal(t, answer, receive(t, peer, len(answer)))
		_, err := peer.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
	})
}

// The addresses of a connection are known before it is started and after it has ended: the log names its peer.
func TestAddressesOutliveTheSocket(t *testing.T) {
	each(t, options{}, func(t *testing.T, w *fixture) {
		c, peer := w.accepted()
		local, remote := peer.RemoteAddr().(*net.TCPAddr).AddrPort(), peer.LocalAddr().(*net.TCPAddr).AddrPort()
		sink := newRecordingSink()
		on(c, func() {
			require.Equal(t, local, c.Local())
			require.Equal(t, remote, c.Remote())
			c.Start(sink)
		})
		peer.Close()
		sink.awaitClosed(t)
		on(c, func() {
			require.Equal(t, local, c.Local())
			require.Equal(t, remote, c.Remote())
		})
	})
}

// A broker that answers and goes away resets what is written to it afterwards; its answer was there before.
func TestFailedWriteLosesNoAnswer(t *testing.T) {
	answer := frame(1, 100)
	each(t, options{}, func(t *testing.T, w *fixture) {
		sink := newRecordingSink()
		c, peer := w.accepted()
		_, err := peer.Write(answer)
		require.NoError(t, err)
		require.NoError(t, peer.Close())
		on(c, func() {
			for begun := time.Now(); !transport.CannotWrite(c); runtime.Gosched() { // the first is answered by a reset, later ones fail
				c.Write(frame(2, 10), nil)
				require.Less(t, time.Since(begun), patience)
			}
			c.Start(sink)
			c.Write(frame(2, 10), nil)
		})
		require.Error(t, sink.awaitClosed(t))
		require.Equal(t, answer, sink.snapshot().bytes)
	})
}
