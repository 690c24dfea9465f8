package codec_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// editable has frames of both encodings to change.
var editable = [][]byte{
	frame(`{"code":310,"extFields":{"n":"broker-a","opaque":"5","i":"k\u0001v"},"flag":0,"language":"JAVA","opaque":12,"version":513}`, "body"),
	frame("{ \"opaque\" : 12 ,\"extFields\": {\"n\" :\"broker-a\" , \"x\":{\"n\":\"y\"}},\"zzz\":{\"opaque\":3} }\n", ""),
	(&codec.Command{Code: 10, Opaque: 12, Remark: "remark", Ext: ext{"n": "broker-a", "i": "k\x01v", "z": "last"}, Body: []byte("body")}).Append(nil, codec.Binary),
}

func decode(t *testing.T, b []byte) codec.Command {
	t.Helper()
	c, _, err := codec.Decode(b, codec.Limits{})
	require.NoError(t, err)
	return *c
}

func TestWithOpaque(t *testing.T) {
	for _, b := range editable {
		before := slices.Clone(b)
		for _, opaque := range []int32{0, 7, -1, 12, 1<<31 - 1, -1 << 31} {
			got, err := codec.WithOpaque(b, opaque)
			require.NoError(t, err)
			want := decode(t, b)
			want.Opaque = opaque
			require.Equal(t, want, decode(t, got))
		}
		same, err := codec.WithOpaque(b, 12)
		require.NoError(t, err)
		require.Equal(t, before, same, "all else stays to the byte")
		require.Equal(t, before, b, "the frame was written to")
	}
}

func TestWithOpaqueFailure(t *testing.T) {
	f := func(b []byte, want string) {
		t.Helper()
		_, err := codec.WithOpaque(b, 1)
		require.ErrorContains(t, err, want)
	}
	f(nil, "0 bytes are not a frame")
	f(frame(`{"code":1}`, ""), "has no opaque")
	f(frame(`{"extFields":{"opaque":1}}`, ""), "has no opaque")
	f(frame(`{"opaque":1`, ""), "no comma")
	f(encoded(codec.Binary, "short", ""), "shorter than its fixed part")
	f(editable[0][:60], "exceeds the limit of 60 bytes") // cut off
}

// withExt changes a field of a whole frame.
func withExt(t *testing.T, b []byte, key, value string) ([]byte, bool) {
	t.Helper()
	p, err := codec.ReadPrefix(b, codec.Limits{})
	require.NoError(t, err)
	var h codec.Header
	require.NoError(t, h.Scan(b[codec.PrefixLen:p.BodyOff()], p.Encoding))
	head, ok := codec.WithExt(b[:p.BodyOff()], &h, p.Size-p.BodyOff(), key, value)
	if !ok {
		return nil, false
	}
	return append(head, b[p.BodyOff():]...), true
}

func TestWithExt(t *testing.T) {
	for _, b := range editable {
		before := slices.Clone(b)
		for _, value := range []string{"x", "broker-a", "a longer name than before, \"quoted\"\\\n\x01é"} {
			got, ok := withExt(t, b, "n", value)
			require.True(t, ok)
			want := decode(t, b)
			want.Ext = maps.Clone(want.Ext)
			want.Ext["n"] = value
			require.Equal(t, want, decode(t, got))
		}
		same, ok := withExt(t, b, "n", "broker-a")
		require.True(t, ok)
		require.Equal(t, before, same, "all else stays to the byte")
		_, ok = withExt(t, b, "nothing", "x")
		require.False(t, ok, "a field is never added: that would break a signature for certain")
		require.Equal(t, before, b, "the frame was written to")
	}
	// Keys in an object that is a value are none of ours.
	got, ok := withExt(t, frame(`{"extFields":{"x":{"n":"y"},"n":"1"}}`, "b"), "n", "2")
	require.True(t, ok)
	require.Equal(t, frame(`{"extFields":{"x":{"n":"y"},"n":"2"}}`, "b"), got)
	// A number becomes a string, which every peer reads.
	got, ok = withExt(t, frame(`{"extFields":{"n":1}}`, ""), "n", "2")
	require.True(t, ok)
	require.Equal(t, frame(`{"extFields":{"n":"2"}}`, ""), got)
	_, ok = withExt(t, frame(`{"extFields":null}`, ""), "n", "2")
	require.False(t, ok)
}
