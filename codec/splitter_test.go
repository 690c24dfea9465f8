package codec_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// feed gives a stream to a splitter in pieces, as a transport does: what was not used comes again. It returns the
// frames it found, put together from the pieces, and fails if a byte is accounted for twice or never.
func feed(s *codec.Splitter, pieces ...[]byte) (frames [][]byte, err error) {
	var kept []byte
	for _, piece := range pieces {
		b := slices.Concat(kept, piece)
		found, used, err := s.Split(b, nil)
		if used < 0 || used > len(b) {
			return frames, fmt.Errorf("used %d of %d bytes", used, len(b))
		}
		first := used
		if len(found) > 0 {
			first = found[0].Off
		}
		if first > 0 {
			if len(frames) == 0 {
				return nil, fmt.Errorf("%d bytes belong to no frame", first)
			}
			last := len(frames) - 1
			frames[last] = append(frames[last], b[:first]...)
		}
		for i, f := range found {
			if end := min(f.End, len(b)); i+1 < len(found) && found[i+1].Off != end {
				return frames, fmt.Errorf("frame %d begins at %d, not at %d", i+1, found[i+1].Off, end)
			}
			frames = append(frames, slices.Clone(b[f.Off:min(f.End, len(b))]))
		}
		if err != nil {
			return frames, err
		}
		kept = slices.Clone(b[used:])
	}
	if len(kept) > 0 || s.Rest() > 0 {
		return frames, fmt.Errorf("%d bytes kept and %d to come at the end", len(kept), s.Rest())
	}
	return frames, nil
}

// conversation is a stream of frames of both encodings, with and without bodies.
func conversation() (stream []byte, frames [][]byte) {
	for _, g := range goldens {
		frames = append(frames, g.frame, frame(`{"code":10,"opaque":1}`, "a body"))
	}
	return slices.Concat(frames...), frames
}

func TestSplitterInOnePiece(t *testing.T) {
	stream, want := conversation()
	got, err := feed(new(codec.Splitter), stream)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestSplitterOneByteAtATime(t *testing.T) {
	stream, want := conversation()
	got, err := feed(new(codec.Splitter), slices.Collect(slices.Chunk(stream, 1))...)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestSplitterEverySplit(t *testing.T) {
	stream, want := conversation()
	for at := range len(stream) + 1 {
		got, err := feed(new(codec.Splitter), stream[:at], stream[at:])
		require.NoError(t, err, "split at %d", at)
		require.Equal(t, want, got, "split at %d", at)
	}
	for size := 2; size < 300; size += 7 {
		got, err := feed(new(codec.Splitter), slices.Collect(slices.Chunk(stream, size))...)
		require.NoError(t, err, "pieces of %d", size)
		require.Equal(t, want, got, "pieces of %d", size)
	}
}

func TestSplitterThousandFramesInOneWrite(t *testing.T) {
	var stream []byte
	for i := range int32(1000) {
		c := codec.Command{Code: 310, Opaque: i, Body: bytes.Repeat([]byte("x"), int(i)%50)}
		stream = c.Append(stream, codec.Encoding(i%2))
	}
	var s codec.Splitter
	frames, used, err := s.Split(stream, nil)
	require.NoError(t, err)
	require.Equal(t, len(stream), used)
	require.Len(t, frames, 1000)
	for i, f := range frames {
		require.Equal(t, int32(i), f.Header.Opaque)
		require.Equal(t, i%50, f.End-f.BodyOff)
	}
	require.Zero(t, s.Rest())
}

func TestSplitterSaysWhatIsToCome(t *testing.T) {
	b := frame(`{"code":1}`, "0123456789")
	var s codec.Splitter
	frames, used, err := s.Split(b[:17], nil) // the header is incomplete
	require.NoError(t, err)
	require.Empty(t, frames)
	require.Zero(t, used)
	require.Zero(t, s.Rest())

	frames, used, err = s.Split(b[:20], nil) // two bytes of the body are here
	require.NoError(t, err)
	require.Equal(t, 20, used)
	require.Equal(t, 8, s.Rest())
	require.Equal(t, [3]int{0, 18, 28}, [3]int{frames[0].Off, frames[0].BodyOff, frames[0].End})

	_, used, err = s.Split(b[20:25], nil)
	require.NoError(t, err)
	require.Equal(t, 5, used)
	require.Equal(t, 3, s.Rest())

	frames, used, err = s.Split(append(b[25:], b...), frames[:0])
	require.NoError(t, err)
	require.Equal(t, 31, used)
	require.Equal(t, [3]int{3, 21, 31}, [3]int{frames[0].Off, frames[0].BodyOff, frames[0].End})
	require.Zero(t, s.Rest())
}

func TestSplitterLimits(t *testing.T) {
	f := func(lim codec.Limits, b []byte, want string) {
		t.Helper()
		s := codec.Splitter{Limits: lim}
		good := frame(`{"code":1}`, "")
		frames, used, err := s.Split(append(good, b...), nil)
		require.Len(t, frames, 1, "the frame before the fault is still good")
		require.Equal(t, len(good), used)
		if want == "" {
			require.NoError(t, err)
			return
		}
		require.ErrorContains(t, err, want)
		require.IsType(t, (*codec.FrameError)(nil), err)
	}
	none := codec.Limits{}
	f(none, prefix(0, 0), "length 0 is below 4")
	f(none, prefix(3, 0), "length 3 is below 4")
	f(none, prefix(0xffffffff, 0), "length -1 is below 4")
	f(none, prefix(0x80000000, 0), "length -2147483648 is below 4")
	// As Netty: total + 4 may be 16 MiB, not a byte more.
	f(none, prefix(16<<20-4, 10), "")
	f(none, prefix(16<<20-3, 10), "length 16777213 with its own 4 bytes exceeds the limit of 16777216 bytes (limits.max_frame)")
	f(none, prefix(0x7fffffff, 10), "exceeds the limit")
	f(codec.Limits{MaxFrame: 100}, prefix(96, 10), "")
	f(codec.Limits{MaxFrame: 100}, prefix(97, 10), "exceeds the limit of 100 bytes")
	f(none, prefix(8<<20, 1<<20), "")
	f(none, prefix(8<<20, 1<<20+1), "header length 1048577 exceeds the limit of 1048576 bytes (limits.max_header)")
	f(codec.Limits{MaxHeader: 50}, prefix(200, 50), "")
	f(codec.Limits{MaxHeader: 50}, prefix(200, 51), "header length 51 exceeds the limit of 50 bytes")
	f(none, prefix(14, 11), "header length 11 does not fit into a frame of length 14")
	f(none, prefix(4, 0xffffff), "exceeds the limit")
	f(none, prefix(100, 2<<24|10), "unknown header encoding 2")
	f(none, prefix(100, 0xff<<24|10), "unknown header encoding 255")
	f(none, frame(`{"code":1`, ""), "no comma")
	f(none, encoded(codec.Binary, "short", ""), "shorter than its fixed part")
	f(none, prefix(4, 0), "no '{'") // a frame without a header says nothing
	f(none, []byte("GET / HTTP/1.1\r\n"), "exceeds the limit")
}
