package codec_test

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// However a stream is cut, the same frames come out of it, and the same error.
func FuzzSplitter(f *testing.F) {
	stream, _ := conversation()
	f.Add(stream, uint16(9), uint16(300))
	f.Add([]byte{}, uint16(0), uint16(0))
	f.Add(append(frame(`{}`, "body"), prefix(0xffffffff, 0)...), uint16(7), uint16(13))
	f.Add(prefix(16<<20-4, 0xffffff), uint16(1), uint16(2))
	f.Add(append(prefix(48, 2), "00"...), uint16(1), uint16(15)) // no frame, but room for one
	f.Fuzz(func(t *testing.T, stream []byte, cut1, cut2 uint16) {
		lim := codec.Limits{MaxFrame: 1 << 12, MaxHeader: 1 << 10}
		var whole codec.Splitter
		whole.Limits = lim
		want, used, wantErr := whole.Split(stream, nil)
		require.LessOrEqual(t, used, len(stream))
		off := 0
		for _, fr := range want {
			require.Equal(t, off, fr.Off)
			require.True(t, fr.Off+codec.PrefixLen <= fr.BodyOff && fr.BodyOff <= fr.End && fr.BodyOff <= len(stream), "%+v", fr)
			off = fr.End
		}
		require.Equal(t, max(0, off-len(stream)), whole.Rest())
		require.Equal(t, min(off, len(stream)), used)

		from, to := min(int(cut1), len(stream)), min(int(cut2), len(stream))
		from, to = min(from, to), max(from, to)
		got, err := scanInPieces(lim, stream[:from], stream[from:to], stream[to:])
		require.Equal(t, wantErr, err)
		want = append([]codec.Frame(nil), want...) // nil, not empty
		require.Equal(t, want, got)

		var known codec.Layouts
		for range 2 {
			s := codec.Splitter{Limits: lim}
			got, _, err := s.SplitUsing(&known, stream, nil)
			require.Equal(t, wantErr, err)
			for i := range got {
				got[i].Header = got[i].Header.WithoutSpot()
			}
			require.Equal(t, want, append([]codec.Frame(nil), got...))
		}
	})
}

// Whatever headers were read before, the next one is read as the scanner reads it. The second and the third are the
// first with a piece of each replaced.
func FuzzLayouts(f *testing.F) {
	for _, h := range realHeaders(f) {
		if h.enc == codec.Binary {
			f.Add(h.raw, true, uint16(5), uint16(4), []byte("\xff\x00\x01\x02"), uint16(26), uint16(1), []byte("\x7f"))
			continue
		}
		opaque := bytes.Index(h.raw, []byte(`"opaque":`)) + 9
		quote := bytes.LastIndexByte(h.raw[:len(h.raw)-30], '"')
		f.Add(h.raw, false, uint16(opaque), uint16(1), []byte("-7"), uint16(quote-1), uint16(1), []byte(`\"\u0001`))
		f.Add(h.raw, false, uint16(opaque+1), uint16(0), []byte("5.0"), uint16(quote), uint16(1), []byte(`","x":"`))
	}
	for _, s := range spellings(f) {
		if raw := s.frame[codec.PrefixLen:]; len(raw) > 30 {
			f.Add(raw, s.frame[4] == byte(codec.Binary), uint16(25), uint16(3), []byte("ab"), uint16(8), uint16(2), []byte("0"))
		}
	}
	f.Fuzz(func(t *testing.T, first []byte, binary bool, at2, cut2 uint16, put2 []byte, at3, cut3 uint16, put3 []byte) {
		enc := codec.JSON
		if binary {
			enc = codec.Binary
		}
		second, third := replaced(first, at2, cut2, put2), replaced(first, at3, cut3, put3)
		both := replaced(second, at3, cut3, put3)
		var known codec.Layouts
		for _, raw := range [][]byte{first, second, third, both, first, both, second, third} {
			before := slices.Clone(raw)
			same(t, &known, raw, enc)
			require.True(t, bytes.Equal(before, raw), "the header was written to")
		}
	})
}

// replaced is b with cut bytes replaced by others.
func replaced(b []byte, at, cut uint16, put []byte) []byte {
	from := min(int(at), len(b))
	to := min(from+int(cut), len(b))
	return slices.Concat(b[:from], put, b[to:])
}

// scanInPieces splits a stream that comes in pieces and returns the frames as if it had come in one.
func scanInPieces(lim codec.Limits, pieces ...[]byte) (frames []codec.Frame, err error) {
	s := codec.Splitter{Limits: lim}
	var kept []byte
	base := 0 // where kept begins in the stream
	for _, piece := range pieces {
		b := slices.Concat(kept, piece)
		found, used, err := s.Split(b, nil)
		for _, fr := range found {
			fr.Off, fr.BodyOff, fr.End = fr.Off+base, fr.BodyOff+base, fr.End+base
			frames = append(frames, fr)
		}
		if err != nil {
			return frames, err
		}
		kept, base = b[used:], base+used
	}
	return frames, nil
}

// What the scanner accepts it reads as encoding/json does, wherever encoding/json accepts it too.
func FuzzHeaderJSON(f *testing.F) {
	f.Add([]byte(sendV2))
	for _, g := range goldens {
		if g.enc == codec.JSON {
			f.Add(g.frame[codec.PrefixLen : len(g.frame)-len(g.want.Body)])
		}
	}
	for _, raw := range []string{
		``, `{}`, `null`, `{"code":null}`, `{"code":"1"}`, `{"code":1,"code":2}`, `{"CODE":1}`, `{"opaque":-1}` + "\n",
		`{"extFields":{"a":{"b":[1,"}"]},"c":"\u0041\ud83d\ude00","d":null,"e":1.5e-3}}`, `{"language":"\u0047O"}`, `{"a":` + strings.Repeat("[", 70),
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := slices.Clone(raw)
		var h codec.Header
		if h.Scan(raw, codec.JSON) != nil {
			return
		}
		got := fields(&h, raw)
		remark := h.Remark(raw)
		require.True(t, bytes.Equal(before, raw), "the header was written to")
		for k, v := range got {
			require.Equal(t, v, h.ExtString(raw, k))
		}
		var strict map[string]json.RawMessage
		if json.Unmarshal(raw, &strict) != nil {
			return
		}
		requireSameInt(t, strict["code"], h.Code)
		requireSameInt(t, strict["opaque"], h.Opaque)
		requireSameInt(t, strict["flag"], h.Flag)
		requireSameInt(t, strict["version"], h.Version)
		require.Equal(t, strict["opaque"] == nil, h.NoOpaque)
		var s string
		if json.Unmarshal(strict["remark"], &s) == nil {
			require.Equal(t, s, string([]rune(remark)))
		}
		requireSameExt(t, strict["extFields"], got)
	})
}

func requireSameInt(t *testing.T, raw json.RawMessage, got int32) {
	t.Helper()
	if raw == nil {
		require.Zero(t, got)
		return
	}
	n, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 32)
	require.NoError(t, err, "the scanner read %d from %s", got, raw)
	require.Equal(t, n, int64(got))
}

func requireSameExt(t *testing.T, raw json.RawMessage, got map[string]string) {
	t.Helper()
	var strict map[string]json.RawMessage
	if raw == nil || json.Unmarshal(raw, &strict) != nil {
		return
	}
	for k, v := range strict {
		var s string
		switch {
		case string(v) == "null" || strings.ContainsRune(k, '\ufffd'):
		case v[0] != '"':
			require.Equal(t, string(v), got[k])
		case json.Unmarshal(v, &s) == nil:
			require.Equal(t, s, string([]rune(got[k])), "field %q", k)
		}
	}
}

func FuzzHeaderBinary(f *testing.F) {
	for _, g := range goldens {
		if g.enc == codec.Binary {
			f.Add(g.frame[codec.PrefixLen:])
		}
	}
	fixed := "0069 00 01df 00000007 00000000"
	f.Add([]byte{})
	f.Add(unhex(fixed, "00000000 00000000"))
	f.Add(unhex(fixed, "ffffffff 00000000"))
	f.Add(unhex(fixed, "00000000 0000000f 0001 6b 00000000 0001 6c 00000001 76"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := slices.Clone(raw)
		var h codec.Header
		if h.Scan(raw, codec.Binary) != nil {
			return
		}
		require.LessOrEqual(t, h.Code, int32(math.MaxInt16))
		size := 21 + len(h.Remark(raw))
		for k, v := range h.ExtFields(raw) {
			require.False(t, v != nil && len(v) == 0, "an empty value is null")
			size += 6 + len(k) + len(v)
		}
		require.LessOrEqual(t, size, len(raw), "more was read than there is")
		require.True(t, bytes.Equal(before, raw), "the header was written to")
	})
}

// What Decode reads it writes, and reads again, the same.
func FuzzDecode(f *testing.F) {
	for _, g := range goldens {
		f.Add(g.frame)
	}
	f.Add(frame(`{"extFields":{"\ud800":"\udc00","":"a\u0000"},"remark":"\u2028"}`, "x"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, enc, err := codec.Decode(b, codec.Limits{})
		if err != nil {
			return
		}
		wantCode := c.Code
		again, gotEnc, err := codec.Decode(c.Append(nil, enc), codec.Limits{})
		require.NoError(t, err)
		require.Equal(t, enc, gotEnc)
		require.Equal(t, wantCode, again.Code)
		require.Equal(t, [3]int32{c.Opaque, c.Flag, c.Version}, [3]int32{again.Opaque, again.Flag, again.Version})
		require.True(t, bytes.Equal(c.Body, again.Body))
		if enc == codec.Binary {
			require.Equal(t, c.Remark, again.Remark)
			require.Equal(t, c.Ext, again.Ext)
			return
		}
		require.Equal(t, string([]rune(c.Remark)), again.Remark)
	})
}

// Editing changes the one field and nothing else; what it cannot change it refuses.
func FuzzEdit(f *testing.F) {
	for _, b := range editable {
		f.Add(b, int32(7), "n", "broker-b")
	}
	f.Add(frame(`{"extFields":{"n":null,"n":5},"opaque":-0}`, ""), int32(-1), "n", "\"")
	f.Fuzz(func(t *testing.T, b []byte, opaque int32, key, value string) {
		c, enc, err := codec.Decode(b, codec.Limits{})
		if err != nil {
			return
		}
		if out, err := codec.WithOpaque(b, opaque); err == nil {
			want := *c
			want.Opaque = opaque
			require.Equal(t, want, decode(t, out))
		}
		if strings.ToValidUTF8(value, "") != value || len(value) > 1000 {
			return
		}
		out, ok := withExt(t, b, key, value)
		_, has := c.Ext[key]
		require.Equal(t, has, ok)
		if !ok || value == "" && enc == codec.Binary {
			return
		}
		c.Ext[key] = value
		require.Equal(t, *c, decode(t, out))
	})
}
