package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// decodeJSONHeader reads a header as fastjson2 reads a RemotingCommand: a key that stands twice counts the last time,
// numbers may stand in quotes, be fractions or null, and what has no meaning is skipped if it has any form at all.
func decodeJSONHeader(header []byte) (*codec.Command, error) {
	p := &jsonReader{text: header}
	cmd := &codec.Command{Language: codec.Java}
	p.space()
	if !p.accept('{') {
		return nil, p.bad("a header is an object")
	}
	for first := true; p.more('}', first, false); first = false {
		p.headerField(cmd, string(p.key()))
	}
	p.end()
	if p.err != nil {
		return nil, p.err
	}
	return cmd, nil
}

// headerField reads the value of one key. Keys are compared as they are, in case and punctuation.
func (p *jsonReader) headerField(cmd *codec.Command, key string) {
	switch key {
	case "code":
		cmd.Code = p.number()
	case "flag":
		cmd.Flag = p.number()
	case "opaque":
		cmd.Opaque = p.number()
	case "version":
		cmd.Version = p.number()
	case "language":
		cmd.Language = languageOf(p.value())
	case "remark":
		cmd.Remark = p.remark()
	case "extFields":
		cmd.Ext = p.extFields()
	case "body":
		if v := p.value(); v.kind != jsonNull {
			p.fail("the body does not stand in the header")
		}
	default:
		p.value()
	}
}

// remark reads a text; null is none.
func (p *jsonReader) remark() string {
	v := p.value()
	if v.kind == jsonNull {
		return ""
	}
	return string(v.text)
}

// languageOf takes a name or a number; a name that is unknown counts as none.
func languageOf(v jsonValue) codec.Language {
	if v.kind == jsonNumber {
		n, _ := strconv.ParseUint(string(v.text), 10, 8)
		return codec.Language(n)
	}
	for l := codec.Java; l <= codec.NodeJS; l++ {
		if string(v.text) == l.String() {
			return l
		}
	}
	return codec.LanguageUnknown
}

// extFields reads an object of texts; null and an empty text stand for none. Numbers, words and objects become their
// text, and null takes a key out.
func (p *jsonReader) extFields() map[string]string {
	if p.peek() != '{' {
		if v := p.value(); v.kind != jsonNull && (v.kind != jsonText || len(v.text) > 0) {
			p.fail("extFields is neither an object nor null")
		}
		return nil
	}
	p.accept('{')
	fields := make(map[string]string)
	for first := true; p.more('}', first, true); first = false {
		key := string(p.key())
		if v := p.value(); v.kind == jsonNull {
			delete(fields, key)
		} else {
			fields[key] = string(v.text)
		}
	}
	return fields
}

// number reads an int: a number, cut to its whole part, a number in quotes, a truth value, or null for 0.
func (p *jsonReader) number() int32 { return int32(p.whole(32)) }

// whole reads a whole number of so many bits, in any of the spellings of number.
func (p *jsonReader) whole(bits int) int64 {
	v := p.value()
	text := string(v.text)
	switch {
	case v.kind == jsonNull || text == "" || text == "false":
		return 0
	case text == "true":
		return 1
	case v.kind == jsonObject:
		p.fail("an object stands where a number belongs")
		return 0
	}
	n, err := wholePart(text, bits)
	if err != nil {
		p.fail(fmt.Sprintf("%q is not a number of %d bits", text, bits))
	}
	return n
}

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
