//go:build linux

package wire

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Whatever pieces a stream comes in, the heads are those of its frames.
func TestFramesInPiecesOfAnySize(t *testing.T) {
	var stream []byte
	for i, body := range []int{0, 1, 700, 0, 3} {
		c := Request(codec.ReqSendMessage, map[string]string{"topic": Topic, "queueId": "3"}, body)
		stream = NewTemplate(c, codec.Encoding(i%2)).AppendTo(stream, FirstOpaque+i)
	}
	for piece := 1; piece < len(stream); piece += 1 + piece/16 {
		var f frames
		var opaques, codes []int
		for b := stream; len(b) > 0; {
			n := min(piece, len(b))
			require.NoError(t, f.feed(b[:n], func(head []byte) {
				opaques, codes = append(opaques, OpaqueOf(head)-FirstOpaque), append(codes, CodeOf(head))
			}))
			b = b[n:]
		}
		require.Equal(t, []int{0, 1, 2, 3, 4}, opaques, "pieces of %d", piece)
		require.Equal(t, []int{10, 10, 10, 10, 10}, codes, "pieces of %d", piece)
	}
}

func TestFramesRefuseWhatIsNone(t *testing.T) {
	var f frames
	require.ErrorIs(t, f.feed([]byte("GET / HTTP/1.1\r\n"), func([]byte) { t.Error("a frame") }), ErrNoFrame)
}
