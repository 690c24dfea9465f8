package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

type jsonKind int

const (
	jsonNull jsonKind = iota
	jsonText
	jsonNumber
	jsonWord   // true, false
	jsonObject // or list
)

// jsonValue is a value and its text: without quotes and escapes for a text, as it stands for anything else.
type jsonValue struct {
	kind jsonKind
	text []byte // shared with the reader
}

// jsonReader goes through a text once, from left to right. After the first error it reads on to no effect.
type jsonReader struct {
	text  []byte
	at    int
	depth int
	err   error
}

// maxJSONDepth is how deep values may be nested (fastjson2 JSONReader.Context#maxLevel).
const maxJSONDepth = 2048

func (p *jsonReader) fail(reason string) {
	if p.err == nil {
		p.err = p.bad(reason)
	}
	p.at = len(p.text)
}

func (p *jsonReader) bad(reason string) error {
	return fmt.Errorf("cannot read JSON at byte %d: %w", p.at, errors.New(reason))
}

// peek returns the next byte that is not white space, 0 at the end.
func (p *jsonReader) peek() byte {
	p.space()
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

// accept steps over a byte if it is the next one.
func (p *jsonReader) accept(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// space skips white space and comments.
func (p *jsonReader) space() {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\b':
			p.at++
		case c == '/' && p.at+1 < len(p.text):
			p.comment()
		default:
			return
		}
	}
}

func (p *jsonReader) comment() {
	end := "\n"
	switch p.text[p.at+1] {
	case '*':
		end = "*/"
	case '/':
	default:
		p.fail("a slash begins no comment")
		return
	}
	_, rest, found := bytes.Cut(p.text[p.at+2:], []byte(end))
	if !found && end == "*/" {
		p.fail("a comment has no end")
		return
	}
	p.at = len(p.text) - len(rest)
}

// more reports whether another member of an object or list follows, and steps over the comma before it, or else over
// the closing byte. In ext fields and lists a comma may also stand before that one.
func (p *jsonReader) more(closing byte, first, trailingComma bool) bool {
	if p.err != nil {
		return false
	}
	c := p.peek()
	if !first && c == ',' {
		p.at++
		if c = p.peek(); c == closing && !trailingComma {
			p.fail("a comma stands before the end of an object")
			return false
		}
	} else if !first && c != closing {
		p.fail("neither a comma nor the end follows a value")
		return false
	}
	if p.accept(closing) {
		return false
	}
	return p.err == nil
}

// key reads a name and its colon.
func (p *jsonReader) key() []byte {
	if c := p.peek(); c != '"' && c != '\'' {
		p.fail("a key has no quotes")
		return nil
	}
	key := p.quoted()
	if p.peek(); !p.accept(':') {
		p.fail("no colon follows a key")
	}
	return key
}

// value reads any value.
func (p *jsonReader) value() jsonValue {
	switch c := p.peek(); {
	case c == '"' || c == '\'':
		return jsonValue{jsonText, p.quoted()}
	case c == '{' || c == '[':
		start := p.at
		p.nested(c)
		return jsonValue{jsonObject, p.text[start:p.at]}
	case c == '-' || c == '+' || c >= '0' && c <= '9':
		return jsonValue{jsonNumber, p.digits()}
	}
	for _, word := range []string{"null", "true", "false"} {
		if bytes.HasPrefix(p.text[p.at:], []byte(word)) {
			p.at += len(word)
			kind := jsonWord
			if word == "null" {
				kind = jsonNull
			}
			return jsonValue{kind, []byte(word)}
		}
	}
	p.fail("no value begins here")
	return jsonValue{}
}

// nested skips an object or list.
func (p *jsonReader) nested(opening byte) {
	if p.depth++; p.depth > maxJSONDepth {
		p.fail("values are nested too deep")
		return
	}
	p.at++
	closing := opening + 2 // { } and [ ] are two apart in ASCII
	for first := true; p.more(closing, first, true); first = false {
		if opening == '{' {
			p.key()
		}
		p.value()
	}
	p.depth--
}

// digits reads a number as it stands: a sign, leading zeros, a fraction and an exponent may be there.
func (p *jsonReader) digits() []byte {
	start := p.at
	for p.at < len(p.text) && strings.IndexByte("+-.0123456789eE", p.text[p.at]) >= 0 {
		p.at++
	}
	text := p.text[start:p.at]
	if _, err := strconv.ParseFloat(string(text), 64); errors.Is(err, strconv.ErrSyntax) {
		p.fail(fmt.Sprintf("%q is not a number", text))
	}
	return text
}

// quoted reads a text in double or single quotes.
func (p *jsonReader) quoted() []byte {
	quote := p.text[p.at]
	p.at++
	special := func(c byte) bool { return c == quote || c == '\\' || c >= utf8.RuneSelf }
	if n := slices.IndexFunc(p.text[p.at:], special); n >= 0 && p.text[p.at+n] == quote {
		text := p.text[p.at : p.at+n]
		p.at += n + 1
		return text
	}
	return p.escaped(quote)
}

// end takes white space and a zero byte behind the object, and nothing else.
func (p *jsonReader) end() {
	p.space()
	if p.accept(0); p.at < len(p.text) {
		p.fail("more follows behind the object")
	}
}
