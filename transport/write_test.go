package transport_test

import (
	"bytes"
	"math/rand/v2"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

func TestWritesKeepTheirOrder(t *testing.T) {
	each(t, options{}, func(t *testing.T, w *fixture) {
		c, peer := w.accept(discardSink{})
		var want []byte
		for i := range int32(300) {
			b := frame(i, rand.IntN(20_000))
			want = append(want, b...)
			on(c, func() { c.Write(b, nil) })
		}
		require.True(t, bytes.Equal(want, receive(t, peer, len(want))))
	})
}

// What does not fit is kept and counted; Drained comes once, when all of it has gone.
func TestWritesThatDoNotFit(t *testing.T) {
	stream := frames(64, 256<<10) // 16 MiB: more than sockets take
	each(t, options{}, func(t *testing.T, w *fixture) {
		sink := newRecordingSink()
		c, peer := w.accept(sink)
		on(c, func() {
			for off := 0; off < len(stream); off += 1 << 20 {
				c.Write(stream[off:min(off+1<<20, len(stream))], nil)
			}
			require.Greater(t, c.Kept(), 1<<20)
			require.LessOrEqual(t, c.Kept(), len(stream))
		})
		require.Zero(t, sink.snapshot().drained)
		require.True(t, bytes.Equal(stream, receive(t, peer, len(stream))))
		sink.await(t, "drained", func() bool { return sink.drained > 0 })
		on(c, func() { require.Zero(t, c.Kept()) })
		// What comes now fits again, and is not a reason for another Drained.
		on(c, func() { c.Write(frame(1, 10), nil) })
		require.Equal(t, frame(1, 10), receive(t, peer, len(frame(1, 10))))
		peer.Close()
		sink.awaitClosed(t)
		if _, is := w.Transport.(*opaqueNet); !is { // where each write takes the way of those that do not fit
			require.Equal(t, []string{"drained", "closed"}, sink.snapshot().order)
		}
	})
}

// A write before Start that does not fit goes out after it.
func TestWriteBeforeStart(t *testing.T) {
	stream := frames(64, 256<<10)
	each(t, options{}, func(t *testing.T, w *fixture) {
		c, peer := w.accepted()
		on(c, func() {
			c.Write(stream, nil)
			c.Start(discardSink{})
		})
		require.True(t, bytes.Equal(stream, receive(t, peer, len(stream))))
	})
}

// What keeps a part of a chunk holds it, until it has gone out or the connection has ended.
func TestKeptWritesHoldTheirChunk(t *testing.T) {
	endings := map[string]func(t *testing.T, c transport.Conn, peer *net.TCPConn, n int){
		"drained":   func(t *testing.T, _ transport.Conn, peer *net.TCPConn, n int) { receive(t, peer, n) },
		"closed":    func(_ *testing.T, c transport.Conn, _ *net.TCPConn, _ int) { on(c, c.Close) },
		"peer left": func(_ *testing.T, _ transport.Conn, peer *net.TCPConn, _ int) { peer.Close() },
	}
	filler := frames(32, 256<<10)
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			each(t, options{}, func(t *testing.T, w *fixture) {
				source := newRecordingSink()
				source.hold = true
				from, client := w.accept(source)
				_, err := client.Write(frame(1, 100))
				require.NoError(t, err)
				source.awaitBytes(t, frame(1, 100))
				chunk := source.snapshot().held[0]

				to, slow := w.accept(discardSink{})
				on(to, func() {
					to.Write(filler, nil)
					require.NotZero(t, to.Kept())
					to.Write(chunk.B, chunk)
					require.Equal(t, 2, transport.Refs(chunk))
				})
				source.release(from)
				require.NotZero(t, transport.Handed(from))
				end(t, to, slow, len(filler)+len(frame(1, 100)))
				require.Eventually(t, func() bool { return transport.Handed(from) == 0 }, patience, time.Millisecond)
			})
		})
	}
}

func TestReleasedTooOften(t *testing.T) {
	each(t, options{}, func(t *testing.T, w *fixture) {
		sink := newRecordingSink()
		sink.hold = true
		c, peer := w.accept(sink)
		_, err := peer.Write(frame(1, 1))
		require.NoError(t, err)
		sink.awaitBytes(t, frame(1, 1))
		chunk := sink.snapshot().held[0]
		on(c, func() {
			chunk.Retain()
			chunk.Release()
			chunk.Release()
			require.PanicsWithValue(t, "BUG: chunk released more often than retained", chunk.Release)
		})
	})
}

// A frame of 16 MiB passes a connection whose peer is slow, and memory does not grow by more than windows.
func TestBigFramesPassThrough(t *testing.T) {
	const window = 256 << 10
	stream := frame(1, 15<<20)
	each(t, options{window: window}, func(t *testing.T, w *fixture) {
		to, slow := w.accept(discardSink{})
		sink := newRecordingSink()
		sink.to = func() transport.Conn { return to }
		from, client := w.accept(sink)
		got := make([]byte, len(stream))
		before := heap()
		sent := send(client, stream)
		for n := 0; n < len(got); {
			require.NoError(t, slow.SetReadDeadline(time.Now().Add(patience)))
			m, err := slow.Read(got[n:min(n+1<<20, len(got))])
			require.NoError(t, err)
			if n>>22 != (n+m)>>22 { // each 4 MiB
				require.Less(t, heap(), before+4<<20)
				on(to, func() { require.LessOrEqual(t, to.Kept(), window+64<<10) })
			}
			n += m
		}
		require.NoError(t, <-sent)
		require.True(t, bytes.Equal(stream, got))
		require.Eventually(t, func() bool { return transport.Handed(from) == 0 }, patience, time.Millisecond)
	})
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
