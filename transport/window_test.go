package transport_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Reading pauses when the chunks that are out reach the window, goes on when they come back, and loses nothing.
func TestReadingPausesAtTheWindow(t *testing.T) {
	const window = 64 << 10
	stream := frames(4000, 2000) // 8 MB: more than sockets take
	each(t, options{window: window}, func(t *testing.T, w *fixture) {
		sink := newRecordingSink()
		sink.hold = true
		c, peer := w.accept(sink)
		sent := send(peer, stream)
		sink.await(t, "a full window", func() bool { return sink.count >= window/4 })
		for sink.snapshot().count < len(stream) {
			// At most one buffer more than the window, and a carried header's.
			require.LessOrEqual(t, transport.Handed(c), window+128<<10)
			before := sink.snapshot().count
			sink.release(c)
			sink.await(t, "more", func() bool { return sink.count > before })
		}
		require.NoError(t, <-sent)
		sink.awaitBytes(t, stream)
		sink.release(c)
		require.Zero(t, transport.Handed(c))
	})
}

// While nothing comes back, nothing is read, so that the peer's writes stop.
func TestReadingStaysPaused(t *testing.T) {
	const window = 64 << 10
	stream := frames(8000, 2000)
	each(t, options{window: window}, func(t *testing.T, w *fixture) {
		sink := newRecordingSink()
		sink.hold = true
		c, peer := w.accept(sink)
		require.NoError(t, peer.SetWriteDeadline(time.Now().Add(300*time.Millisecond)))
		n, err := peer.Write(stream)
		require.Error(t, err, "sockets do not take 16 MB")
		paused := sink.snapshot().count
		require.LessOrEqual(t, paused, window+128<<10)
		require.GreaterOrEqual(t, transport.Handed(c), window)
		require.NoError(t, peer.SetWriteDeadline(time.Time{}))
		sent := send(peer, stream[n:])
		sink.releaseOnArrival(c)
		sink.awaitBytes(t, stream)
		require.NoError(t, <-sent)
		require.Zero(t, transport.Handed(c))
	})
}

// A chunk's window is that of the connection it came from, whichever owner holds it and however long.
func TestChunksThatOutliveTheirConnection(t *testing.T) {
	each(t, options{}, func(t *testing.T, w *fixture) {
		sink := newRecordingSink()
		sink.hold = true
		c, peer := w.accept(sink)
		_, err := peer.Write(frame(1, 1000))
		require.NoError(t, err)
		sink.awaitBytes(t, frame(1, 1000))
		chunk := sink.snapshot().held[0]
		on(c, c.Close)
		// Others get buffers and chunks meanwhile.
		other, noisy := w.accept(discardSink{})
		_, err = noisy.Write(bytes.Repeat(frame(9, 1000), 50))
		require.NoError(t, err)
		on(other, func() {})
		require.Equal(t, frame(1, 1000), chunk.B)
		require.Same(t, c, chunk.Conn)
		sink.release(c)
		require.Zero(t, transport.Handed(c))
	})
}
