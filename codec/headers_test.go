package codec_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// realHeader is a header that a real client or server has written.
type realHeader struct {
	who, what string
	enc       codec.Encoding
	raw       []byte
}

// realHeaders reads testdata/headers.tsv. Two of a kind stand behind each other.
func realHeaders(t testing.TB) (list []realHeader) {
	t.Helper()
	for _, f := range recorded(t, "testdata/headers.tsv") {
		h := realHeader{who: f[0], what: f[1], raw: []byte(f[3])}
		if strings.HasPrefix(h.who, "C++") {
			h.raw = append(h.raw, '\n')
		}
		if f[2] == codec.Binary.String() {
			var err error
			h.enc = codec.Binary
			h.raw, err = hex.DecodeString(f[3])
			require.NoError(t, err)
		}
		list = append(list, h)
	}
	require.NotEmpty(t, list)
	return list
}

func TestTheNextHeaderOfARealClientIsKnown(t *testing.T) {
	list := realHeaders(t)
	for i := 0; i < len(list); i += 2 {
		first, second := list[i], list[i+1]
		require.Equal(t, [2]any{first.who + first.what, first.enc}, [2]any{second.who + second.what, second.enc})
		require.NotEqual(t, string(first.raw), string(second.raw))
		known := codec.Knows(t, first.raw, second.raw, first.enc)
		random := strings.HasPrefix(first.who, "Go") && bytes.Count(first.raw, []byte(`":"`)) > 10 // the order of its ext fields
		require.Equal(t, !random, known, "%s, %s, %v", first.who, first.what, first.enc)
	}
}

func TestFieldsThatARelayReadsAreFoundAtOnce(t *testing.T) {
	for _, h := range realHeaders(t) {
		var known codec.Layouts
		var got codec.Header
		require.NoError(t, known.Scan(&got, h.raw, h.enc))
		require.Empty(t, got.Spots())
		require.NoError(t, known.Scan(&got, h.raw, h.enc))
		switch h.what {
		case "answer":
			require.Equal(t, []string{"msgId"}, got.Spots())
		case "pull":
			require.Equal(t, []string{"queueOffset", "topic"}, got.Spots())
		case "send", "route":
			require.Contains(t, []string{"b", "topic"}, strings.Join(got.Spots(), ","), "%s %s", h.who, h.what)
		default:
			require.Subset(t, []string{"topic"}, got.Spots(), "%s %s", h.who, h.what)
		}
		if h.what == "answer" {
			require.Len(t, got.ExtString(h.raw, "msgId"), 32)
		}
	}
}

func TestAFieldThatStandsTwiceIsReadAsTheScannerReadsIt(t *testing.T) {
	for _, fields := range []string{
		`"msgId":"a","msgId":"b"`, `"msgId":"a","msgId":null`, `"msgId":null,"msgId":"a"`, `"msgId":"a","msgId":1.5`, `"msgId":1,"msgId":2`,
		`"queueOffset":"7","msgId":"a"`, `"msgId":"","queueOffset":"7"`, `"msgId":null,"queueOffset":"7"`, `"msg\u0049d":"a"`,
		`"queueOffset":"7","msgId":null`, `"msgId":"a","queueOffset":null`, `"msgId":"","x":"a"`,
		`"topic":"7","msgId":"a","topic":"b"`, `"n":"a","b":"7","topic":"b"`, `"topic":null,"b":"7"`, `"topic":"b","b":null`,
		`"msgId":{"msgId":"a"}`, `"x":{"msgId":"a"}`, `"msgId":"\u0041"`,
	} {
		var known codec.Layouts
		raw := `{"code":0,"extFields":{` + fields + `}}`
		for _, raw := range []string{raw, raw, strings.ReplaceAll(raw, `"a"`, `"\"a"`), strings.ReplaceAll(raw, `"a"`, `""`), raw, strings.ReplaceAll(raw, `"7"`, `"123456"`), strings.ReplaceAll(raw, `""`, `"b"`)} {
			same(t, &known, []byte(raw), codec.JSON)
		}
	}
}

// Whatever is changed in a header that is known, it is read as the scanner reads it, or refused with the same error.
func TestEveryChangeOfAKnownHeaderIsNoticed(t *testing.T) {
	changes := []string{"", `"`, `\`, `\"`, `\\`, `","x":"`, `"},"flag":1,"x":{"y":"`, "0", "-", "7.5", " ", ",", "}", "{", "\x00", "\x01", "\xff"}
	list := realHeaders(t)
	for i := 0; i < len(list); i += 2 {
		first, second, enc := list[i].raw, list[i+1].raw, list[i].enc
		for at := range second {
			var known codec.Layouts
			same(t, &known, first, enc)
			same(t, &known, second, enc)
			for _, put := range changes {
				for cut := range min(3, len(second)-at) {
					same(t, &known, slices.Concat(second[:at], []byte(put), second[at+cut:]), enc)
				}
			}
		}
	}
}

// same requires that a header is read as the scanner reads it.
func same(t *testing.T, known *codec.Layouts, raw []byte, enc codec.Encoding) {
	t.Helper()
	var want, got codec.Header
	wantErr, err := want.Scan(raw, enc), known.Scan(&got, raw, enc)
	for _, key := range codec.SpotKeys {
		wantValue, wantOK := want.Ext(raw, key)
		if value, ok := got.Ext(raw, key); err == nil && (ok != wantOK || !bytes.Equal(value, wantValue)) {
			t.Fatalf("%q has %q = %q, %v instead of %q, %v", raw, key, value, ok, wantValue, wantOK)
		}
	}
	if got.WithoutSpot() != want || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
		t.Fatalf("%q is read as %+v, %v instead of %+v, %v", raw, got, err, want, wantErr)
	}
}
