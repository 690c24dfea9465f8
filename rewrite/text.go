package rewrite

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// text is what a key or a string value says: without quotes, escapes resolved. It points into the body where it can.
func (c *cursor) text(t token) []byte {
	if t.kind != '"' || t.to-t.from < 2 {
		return c.b[t.from:t.to]
	}
	inner := c.b[t.from+1 : t.to-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	return unescape(inner)
}

// unescape resolves JSON escapes (a name server that writes standard JSON escapes all that is not ASCII). An escape
// that JSON does not know stands for itself.
func unescape(s []byte) []byte {
	out := make([]byte, 0, len(s))
	for len(s) > 0 {
		if s[0] != '\\' || len(s) < 2 {
			out, s = append(out, s[0]), s[1:]
			continue
		}
		if s[1] == 'u' {
			if r, n := unescapeRune(s); n > 0 {
				out, s = utf8.AppendRune(out, r), s[n:]
				continue
			}
		}
		if i := bytes.IndexByte([]byte(`bfnrt`), s[1]); i >= 0 {
			out = append(out, "\b\f\n\r\t"[i])
		} else {
			out = append(out, s[1])
		}
		s = s[2:]
	}
	return out
}

// unescapeRune reads \uXXXX, or two of them that make one rune. n is 0 when s begins with neither.
func unescapeRune(s []byte) (r rune, n int) {
	hi, ok := hex4(s)
	if !ok {
		return 0, 0
	}
	if lo, ok := hex4(s[6:]); ok {
		if r := utf16.DecodeRune(hi, lo); r != utf8.RuneError {
			return r, 12
		}
	}
	return hi, 6 // AppendRune makes U+FFFD of half a pair
}

func hex4(s []byte) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(s[2:6]), 16, 16)
	return rune(n), err == nil
}
