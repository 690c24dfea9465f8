package rewrite

import "fmt"

// maxDepth bounds nesting. Real bodies have five levels; each level costs stack, so there must be a bound.
const maxDepth = 64

// BodyError says where a body stops making sense.
type BodyError struct {
	Body   string // "topic route", "cluster"
	Reason string
	Off    int // byte where it was noticed
	Len    int // bytes of the body
}

func (e *BodyError) Error() string {
	return fmt.Sprintf("cannot read the %s body: %s at byte %d of %d", e.Body, e.Reason, e.Off, e.Len)
}

// token is a key or a value with its place in the body.
type token struct {
	from, to int
	kind     byte // '"' a string, quotes included; '0' a bare integer; 'n' null; '{' anything else
}

// cursor walks fastjson's dialect of JSON: bare integers, and whole objects, may stand in key position. The first
// error sticks; after it every step does nothing and every loop ends.
type cursor struct {
	b     []byte
	off   int
	depth int
	body  string // for errors
	err   error

	bareKeys    []token // integers in key position without quotes, wherever they are
	integerKeys []token // keys of maps that Java types as integer, quoted or not; filled by who knows the map
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = &BodyError{Body: c.body, Reason: fmt.Sprintf(format, args...), Off: c.off, Len: len(c.b)}
	}
}

// peek skips white space and returns the next byte without taking it, 0 at the end.
func (c *cursor) peek() byte {
	for c.off < len(c.b) {
		switch ch := c.b[c.off]; ch {
		case ' ', '\t', '\n', '\r':
			c.off++
		default:
			return ch
		}
	}
	return 0
}

// end skips white space and returns where the next delimiter stands: the end of an element.
func (c *cursor) end() int {
	c.peek()
	return c.off
}

// more stands before an element of a list that ends with closing, or behind the last one, which ends the list.
func (c *cursor) more(first bool, closing byte) bool {
	if c.err != nil {
		return false
	}
	switch ch := c.peek(); {
	case ch == closing:
		c.off++
		c.depth--
		return false
	case first:
		return true
	case ch == ',':
		c.off++
		return true
	default:
		c.fail("no comma and no %q", closing)
		return false
	}
}

func (c *cursor) open(ch byte) bool {
	if c.err != nil {
		return false
	}
	if c.peek() != ch {
		c.fail("no %q", ch)
		return false
	}
	if c.depth++; c.depth > maxDepth {
		c.fail("more than %d levels of nesting", maxDepth)
		return false
	}
	c.off++
	return true
}

// members yields, for each member of an object, where it begins (behind the '{' or ',' before it) and its key. The
// body of the loop must take the value.
func (c *cursor) members() func(yield func(from int, key token) bool) {
	return func(yield func(int, token) bool) {
		if !c.open('{') {
			return
		}
		for first := true; c.more(first, '}'); first = false {
			from := c.off
			key := c.key()
			if c.peek() != ':' {
				c.fail("no colon behind a key")
				return
			}
			c.off++
			if !yield(from, key) {
				return
			}
		}
	}
}

// elements yields where each element of an array begins. The body of the loop must take the element.
func (c *cursor) elements() func(yield func(from int) bool) {
	return func(yield func(int) bool) {
		if !c.open('[') {
			return
		}
		for first := true; c.more(first, ']'); first = false {
			if !yield(c.off) {
				return
			}
		}
	}
}

func (c *cursor) key() token {
	switch ch := c.peek(); {
	case ch == '"' || ch == '{' || ch == '[':
		return c.value()
	case ch == '-' || isDigit(ch):
		t := c.value()
		if t.kind != '0' {
			c.fail("the key %.20q, which is no integer,", c.b[t.from:t.to])
		}
		c.bareKeys = append(c.bareKeys, t)
		return t
	}
	c.fail("no key")
	return token{}
}

// value takes any value.
func (c *cursor) value() token {
	ch := c.peek()
	t := token{from: c.off, kind: '{'}
	switch ch {
	case '{':
		for range c.members() {
			c.value()
		}
	case '[':
		for range c.elements() {
			c.value()
		}
	case '"':
		t.kind = '"'
		c.str()
	default:
		t.kind = c.literal()
	}
	t.to = c.off
	return t
}

func (c *cursor) str() {
	if c.err != nil {
		return
	}
	for i := c.off + 1; i < len(c.b); i++ {
		switch c.b[i] {
		case '\\':
			i++
		case '"':
			c.off = i + 1
			return
		}
	}
	c.fail("a string without an end")
}

// literal takes a number or one of the three words and says which kind it is.
func (c *cursor) literal() byte {
	if c.err != nil {
		return '{'
	}
	from := c.off
	for c.off < len(c.b) && isLiteral(c.b[c.off]) {
		c.off++
	}
	word := c.b[from:c.off]
	switch string(word) {
	case "null":
		return 'n'
	case "true", "false":
		return '{'
	}
	if kind, ok := number(word); ok {
		return kind
	}
	c.off = from
	c.fail("no value")
	return '{'
}

func isDigit(ch byte) bool { return ch-'0' <= 9 }

func isLiteral(ch byte) bool {
	return isDigit(ch) || (ch|0x20)-'a' < 26 || ch == '-' || ch == '+' || ch == '.'
}

// number reports whether word is a number as JSON writes them (leading zeros are let through), and its kind.
func number(word []byte) (kind byte, ok bool) {
	rest, digits := word, 0
	if len(rest) > 0 && rest[0] == '-' {
		rest = rest[1:]
	}
	if rest, digits = dropDigits(rest); digits == 0 {
		return '{', false
	}
	if len(rest) == 0 {
		return '0', true
	}
	if rest[0] == '.' {
		if rest, digits = dropDigits(rest[1:]); digits == 0 {
			return '{', false
		}
	}
	if len(rest) > 0 && rest[0]|0x20 == 'e' {
		if rest = rest[1:]; len(rest) > 0 && (rest[0] == '+' || rest[0] == '-') {
			rest = rest[1:]
		}
		if rest, digits = dropDigits(rest); digits == 0 {
			return '{', false
		}
	}
	return '{', len(rest) == 0
}

func dropDigits(b []byte) (rest []byte, n int) {
	for n < len(b) && isDigit(b[n]) {
		n++
	}
	return b[n:], n
}
