package transport_test

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

func TestFramesInPiecesOfAnySize(t *testing.T) {
	var stream []byte
	for i := range int32(60) {
		stream = append(stream, frame(i, int(i*i))...)
	}
	for _, size := range []int{1, 7, 100, 4095, 4096, 4097, len(stream)} {
		each(t, options{}, func(t *testing.T, w *fixture) {
			sent := stream
			if size == 1 {
				sent = stream[:3000]
			}
			sink := newRecordingSink()
			_, peer := w.accept(sink)
			for piece := range slices.Chunk(sent, size) {
				_, err := peer.Write(piece)
				require.NoError(t, err)
			}
			whole := 0
			for rest := sent; len(rest) >= codec.PrefixLen; whole++ {
				p, err := codec.ReadPrefix(rest, codec.Limits{})
				require.NoError(t, err)
				if p.BodyOff() > len(rest) {
					break
				}
				rest = rest[min(p.Size, len(rest)):]
			}
			sink.await(t, "all frames", func() bool { return sink.frames == whole })
			if len(sent) == len(stream) {
				sink.awaitBytes(t, stream)
				require.Equal(t, 60, whole)
			}
		})
	}
}

// Every place where a frame can be cut: what comes before it is not lost, what comes after is not mistaken.
func TestFramesCutAnywhere(t *testing.T) {
	stream := append(frame(0, 9), frame(1, 9)...)
	each(t, options{}, func(t *testing.T, w *fixture) {
		for at := range len(stream) {
			sink := newRecordingSink()
			c, peer := w.accept(sink)
			_, err := peer.Write(stream[:at])
			require.NoError(t, err)
			// Two turns of the loop: it has looked at its sockets in between.
			on(c, func() {})
			on(c, func() {})
			_, err = peer.Write(stream[at:])
			require.NoError(t, err)
			sink.awaitBytes(t, stream)
			require.Equal(t, 2, sink.snapshot().frames)
			on(c, c.Close)
			peer.Close()
		}
	})
}

// A thousand frames that lie in the socket come in as few chunks as the buffers need, which grow as bytes come.
func TestThousandFramesWaiting(t *testing.T) {
	first, stream := frame(7, 0), frames(1000, 0)
	each(t, options{}, func(t *testing.T, w *fixture) {
		sink := newRecordingSink()
		busy, goOn := make(chan struct{}), make(chan struct{})
		var once sync.Once
		sink.hook = func(any) { once.Do(func() { close(busy); <-goOn }) } // nothing is read meanwhile
		_, peer := w.accept(sink)
		_, err := peer.Write(first)
		require.NoError(t, err)
		<-busy
		_, err = peer.Write(stream)
		close(goOn)
		require.NoError(t, err)
		sink.awaitBytes(t, append(first, stream...))
		require.Equal(t, 1001, sink.snapshot().frames)
		require.LessOrEqual(t, sink.snapshot().chunks, 8)
		require.Greater(t, sink.snapshot().largest, 300)
	})
}

// A header that is longer than any pooled buffer is put together before its frame is delivered.
func TestHeadersOfAnySize(t *testing.T) {
	for _, size := range []int{3000, 5000, 70_000, 300_000, 900_000} {
		c := codec.Command{Code: 10, Remark: strings.Repeat("r", size), Body: []byte("body")}
		stream := append(c.Append(nil, codec.JSON), frame(1, 10)...)
		each(t, options{}, func(t *testing.T, w *fixture) {
			sink := newRecordingSink()
			_, peer := w.accept(sink)
			sent := send(peer, stream)
			sink.awaitBytes(t, stream)
			require.NoError(t, <-sent)
			require.Equal(t, 2, sink.snapshot().frames)
		})
	}
}

// A header that does not come is not delivered, and holds nothing of the window.
func TestHeaderThatNeverComes(t *testing.T) {
	each(t, options{}, func(t *testing.T, w *fixture) {
		sink := newRecordingSink()
		c, peer := w.accept(sink)
		_, err := peer.Write([]byte{0, 0xf0, 0, 0, 0, 0x0f, 0, 0, '{'}) // 15 MiB, of them a header of 960 KiB
		require.NoError(t, err)
		on(c, func() {})
		on(c, func() {})
		require.NoError(t, peer.CloseWrite())
		require.Error(t, sink.awaitClosed(t))
		require.Zero(t, sink.snapshot().chunks)
		require.Zero(t, transport.Handed(c))
	})
}

func TestWhatIsNoFrame(t *testing.T) {
	bad := append([]byte{0, 0, 0, 3}, bytes.Repeat([]byte("x"), 100)...)
	for _, good := range [][]byte{nil, frame(0, 10), frames(50, 300)} {
		each(t, options{}, func(t *testing.T, w *fixture) {
			sink := newRecordingSink()
			var last error
			sink.hook = func(event any) {
				if c, ok := event.(*transport.Chunk); ok {
					last = c.Err
				}
			}
			c, peer := w.accept(sink)
			_, err := peer.Write(slices.Concat(good, bad))
			require.NoError(t, err)
			var malformed *codec.FrameError
			require.ErrorAs(t, sink.awaitClosed(t), &malformed)
			require.ErrorIs(t, malformed, last, "the chunk before Closed has it as well")
			require.True(t, bytes.Equal(good, sink.snapshot().bytes), "what comes before it is good")
			_, err = peer.Read(make([]byte, 1))
			require.Error(t, err, "the socket is closed")
			require.Zero(t, transport.Handed(c))
		})
	}
}

func TestLimitsAreTheTransports(t *testing.T) {
	each(t, options{limits: codec.Limits{MaxFrame: 1000}}, func(t *testing.T, w *fixture) {
		sink := newRecordingSink()
		_, peer := w.accept(sink)
		_, err := peer.Write(frame(1, 1000))
		require.NoError(t, err)
		require.ErrorContains(t, sink.awaitClosed(t), "limit of 1000")
	})
}
