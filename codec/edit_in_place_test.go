package codec_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// set changes a copy of a whole frame and reports whether it was done in place.
func set(t *testing.T, b []byte, change func(head []byte, h *codec.Header, bodyLen int) []byte) (out []byte, inPlace bool) {
	t.Helper()
	b = slices.Clone(b)
	before := slices.Clone(b)
	p, err := codec.ReadPrefix(b, codec.Limits{})
	require.NoError(t, err)
	var h codec.Header
	require.NoError(t, h.Scan(b[codec.PrefixLen:p.BodyOff()], p.Encoding))
	head := change(b[:p.BodyOff():p.BodyOff()], &h, p.Size-p.BodyOff())
	if inPlace = &head[0] == &b[0]; !inPlace {
		require.Equal(t, before, b, "the frame was written to, and another one made")
	}
	return append(slices.Clone(head), b[p.BodyOff():]...), inPlace
}

func setOpaque(t *testing.T, b []byte, opaque int32) (out []byte, inPlace bool) {
	t.Helper()
	return set(t, b, func(head []byte, h *codec.Header, bodyLen int) []byte {
		return codec.SetOpaque(head, h, bodyLen, opaque)
	})
}

// A request of a broker gets an opaque of the proxy's, and the client's answer that of the broker back.
func TestSetOpaque(t *testing.T) {
	for i, b := range editable {
		for _, opaque := range []int32{0, 7, -1, 12, 99, 1<<31 - 1, -1 << 31} {
			there, inPlace := setOpaque(t, b, opaque)
			want := decode(t, b)
			want.Opaque = opaque
			require.Equal(t, want, decode(t, there))
			require.Equal(t, i == 2 || opaque == -1 || opaque == 12 || opaque == 99, inPlace)
			back, _ := setOpaque(t, there, 12)
			require.Equal(t, b, back, "all else stays to the byte")
		}
	}
	none := frame(`{"code":1}`, "b")
	same, inPlace := setOpaque(t, none, 7)
	require.Equal(t, none, same)
	require.True(t, inPlace)
	quoted, _ := setOpaque(t, frame(`{"opaque":"12"}`, "b"), 7)
	require.Equal(t, frame(`{"opaque":7}`, "b"), quoted)
}

func TestSetCode(t *testing.T) {
	ok := false
	setCode := func(b []byte, code int32) (out []byte) {
		out, _ = set(t, b, func(head []byte, h *codec.Header, bodyLen int) []byte {
			head, ok = codec.SetCode(head, h, bodyLen, code)
			return head
		})
		return out
	}
	require.Equal(t, frame(`{"code":200050,"opaque":5,"x":{"code":3}}`, "b"), setCode(frame(`{"code":50,"opaque":5,"x":{"code":3}}`, "b"), 200050))
	require.True(t, ok)
	binary := editable[2]
	require.Equal(t, int32(51), decode(t, setCode(binary, 51)).Code)
	require.True(t, ok)
	require.Equal(t, binary, setCode(binary, 200051))
	require.False(t, ok)
}

func TestWithMoreExt(t *testing.T) {
	more := func(b []byte, key, value string) ([]byte, bool) {
		ok := false
		out, inPlace := set(t, b, func(head []byte, h *codec.Header, bodyLen int) []byte {
			var out []byte
			if out, ok = codec.WithMoreExt(head, h, bodyLen, key, value); !ok {
				return head
			}
			return out
		})
		require.NotEqual(t, ok, inPlace)
		return out, ok
	}
	f := func(before, after string) {
		t.Helper()
		out, ok := more(frame(before, "b"), "extraInfo", "1 2")
		require.True(t, ok)
		require.Equal(t, string(frame(after, "b")), string(out))
	}
	f(`{"extFields":{"a":"b"},"code":51}`, `{"extFields":{"a":"b","extraInfo":"1 2"},"code":51}`)
	f(`{"extFields":{"extraInfo":"","a":"b"}}`, `{"extFields":{"extraInfo":"1 2","a":"b"}}`)
	f(`{"extFields":{ }}`, `{"extFields":{ "extraInfo":"1 2"}}`)
	_, ok := more(frame(`{"code":51}`, ""), "extraInfo", "1 2")
	require.False(t, ok)
	_, ok = more(editable[2], "extraInfo", "1 2")
	require.False(t, ok)
}

func FuzzSetOpaque(f *testing.F) {
	for _, b := range editable {
		f.Add(b, int32(7))
	}
	f.Add(frame(`{"opaque":"1\u0032"}`, "b"), int32(-1<<31))
	f.Fuzz(func(t *testing.T, b []byte, opaque int32) {
		before, _, err := codec.Decode(b, codec.Limits{})
		if err != nil {
			return
		}
		var h codec.Header
		there, _ := set(t, b, func(head []byte, scanned *codec.Header, bodyLen int) []byte {
			h = *scanned
			return codec.SetOpaque(head, scanned, bodyLen, opaque)
		})
		if !h.NoOpaque {
			before.Opaque = opaque
		}
		require.Equal(t, *before, decode(t, there))
	})
}
