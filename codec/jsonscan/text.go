package jsonscan

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// Contents is what a token says: of a string what stands between its quotes, escapes resolved; of anything else its
// text. It points into Text where it can.
func (s *Scanner) Contents(t Token) []byte {
	if t.Kind != String {
		return s.Text[t.From:t.To]
	}
	inner := s.Text[t.From+1 : t.To-1]
	if t.Escaped {
		return unescape(inner)
	}
	return inner
}

// Is reports whether Contents of t is want. It decodes nothing and stops at the first difference.
func (s *Scanner) Is(t Token, want string) bool {
	if !t.Escaped {
		if t.Kind == String {
			return string(s.Text[t.From+1:t.To-1]) == want
		}
		return string(s.Text[t.From:t.To]) == want
	}
	var one [utf8.UTFMax]byte
	for inner := s.Text[t.From+1 : t.To-1]; len(inner) > 0; {
		piece, n := unescapeOne(inner, one[:0])
		if len(want) < len(piece) || want[:len(piece)] != string(piece) {
			return false
		}
		inner, want = inner[n:], want[len(piece):]
	}
	return want == ""
}

// unescape resolves the escapes in the inside of a string.
func unescape(inner []byte) []byte {
	out := make([]byte, 0, len(inner))
	for len(inner) > 0 {
		plain := bytes.IndexByte(inner, '\\')
		if plain < 0 {
			return append(out, inner...)
		}
		out = append(out, inner[:plain]...)
		inner = inner[plain:]
		var n int
		out, n = unescapeOne(inner, out)
		inner = inner[n:]
	}
	return out
}

// unescapeOne appends what the first byte or escape of s says, and returns how many bytes of s that were. An escape
// that JSON does not know stands for the character behind the backslash; half a surrogate pair for U+FFFD.
func unescapeOne(s, dst []byte) (out []byte, n int) {
	if s[0] != '\\' || len(s) < 2 {
		return append(dst, s[0]), 1
	}
	ch := s[1]
	switch ch {
	case 'b':
		ch = '\b'
	case 'f':
		ch = '\f'
	case 'n':
		ch = '\n'
	case 'r':
		ch = '\r'
	case 't':
		ch = '\t'
	case 'u':
		if r, n := unescapeRune(s); n > 0 {
			return utf8.AppendRune(dst, r), n
		}
	}
	return append(dst, ch), 2
}

// unescapeRune reads \uXXXX, or two of them that make one rune. n is 0 when s begins with neither.
func unescapeRune(s []byte) (r rune, n int) {
	high, ok := hex4(s)
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(high) {
		if low, ok := hex4(s[6:]); ok {
			if r := utf16.DecodeRune(high, low); r != utf8.RuneError {
				return r, 12
			}
		}
	}
	return high, 6 // AppendRune makes U+FFFD of half a pair
}

func hex4(s []byte) (r rune, ok bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	for _, ch := range s[2:6] {
		switch {
		case isDigit(ch):
			ch -= '0'
		case 'a' <= ch|0x20 && ch|0x20 <= 'f':
			ch = ch | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(ch)
	}
	return r, true
}
