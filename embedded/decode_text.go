package embedded

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// plainEscapes are the escapes of one letter, and what they stand for (fastjson2 JSONReader.java#char1).
var plainEscapes = map[byte]byte{
	'"': '"', '\'': '\'', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r',
	't': '\t', 'v': '\v', '0': 0, '1': 1, '2': 2, '3': 3, '4': 4, '5': 5, '6': 6, '7': 7,
}

// escaped reads the rest of a text with escapes or characters beyond ASCII, up to its quote.
func (p *jsonReader) escaped(quote byte) []byte {
	var text []byte
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case c == quote:
			p.at++
			return text
		case c == '\\':
			text = p.escape(text)
		case c < utf8.RuneSelf:
			text = append(text, c)
			p.at++
		default:
			r, n := utf8.DecodeRune(p.text[p.at:])
			if r == utf8.RuneError && n == 1 {
				p.fail("a text is not UTF-8")
				return nil
			}
			text = append(text, p.text[p.at:p.at+n]...)
			p.at += n
		}
	}
	p.fail("a text has no end")
	return nil
}

// escape appends what the escape at hand stands for.
func (p *jsonReader) escape(text []byte) []byte {
	p.at++
	if p.at == len(p.text) {
		return text
	}
	c := p.text[p.at]
	p.at++
	switch c {
	case 'u':
		r := p.hex(4)
		if utf16.IsSurrogate(r) && p.at+1 < len(p.text) && p.text[p.at] == '\\' && p.text[p.at+1] == 'u' {
			p.at += 2
			r = utf16.DecodeRune(r, p.hex(4))
		}
		return utf8.AppendRune(text, r) // half a pair becomes U+FFFD
	case 'x':
		return utf8.AppendRune(text, p.hex(2))
	}
	plain, known := plainEscapes[c]
	if !known {
		p.fail("a text has an escape that is unknown")
	}
	return append(text, plain)
}

func (p *jsonReader) hex(digits int) rune {
	if p.at+digits > len(p.text) {
		p.fail("an escape is cut short")
		return 0
	}
	n, err := strconv.ParseUint(string(p.text[p.at:p.at+digits]), 16, 32)
	if err != nil {
		p.fail("an escape is not hexadecimal")
		return 0
	}
	p.at += digits
	return rune(n)
}
