package codec_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"os"
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
	file, err := os.Open("testdata/headers.tsv")
	require.NoError(t, err)
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		f := strings.Split(lines.Text(), "\t")
		h := realHeader{who: f[0], what: f[1], raw: []byte(f[3])}
		if strings.HasPrefix(h.who, "C++") {
			h.raw = append(h.raw, '\n')
		}
		if f[2] == codec.Binary.String() {
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
	if got != want || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
		t.Fatalf("%q is read as %+v, %v instead of %+v, %v", raw, got, err, want, wantErr)
	}
}
