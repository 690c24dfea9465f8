package rewrite

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec/jsonscan"
)

// BodyError says where a body stops making sense.
type BodyError struct {
	Body string // "topic route", "cluster", "heartbeat"
	Err  error  // a *jsonscan.SyntaxError
}

func (e *BodyError) Error() string { return fmt.Sprintf("cannot read the %s body: %v", e.Body, e.Err) }

// Unwrap returns what is wrong and where.
func (e *BodyError) Unwrap() error { return e.Err }

// body is a body under way: a scanner of fastjson's dialect, and what is noted of the keys it passes.
type body struct {
	jsonscan.Scanner
	name        string           // for errors
	integerKeys []jsonscan.Token // keys of maps that Java types as integer, quoted or not; filled where the map is known
}

func newBody(text []byte, name string) *body {
	return &body{Scanner: jsonscan.Scanner{Text: text, Dialect: jsonscan.Lenient}, name: name}
}

// err is the first fault, a *BodyError, or nil.
func (b *body) err() error {
	if err := b.Err(); err != nil {
		return &BodyError{b.name, err}
	}
	return nil
}

// members is Members for values that may be null: fastjson leaves nulls out, others write them.
func (b *body) members() func(yield func(from int, key jsonscan.Token) bool) {
	if b.Null() {
		return func(func(int, jsonscan.Token) bool) {}
	}
	return b.Members()
}

// elements is Elements for values that may be null.
func (b *body) elements() func(yield func(from int) bool) {
	if b.Null() {
		return func(func(int) bool) {}
	}
	return b.Elements()
}

// end skips white space and returns where the next delimiter stands: the end of an element.
func (b *body) end() int {
	b.Next()
	return b.Off
}

// once refuses a second key of the same meaning: JSON libraries differ in which of the two they take.
func (b *body) once(seen *uint, bit uint, key jsonscan.Token) {
	if *seen&(1<<bit) != 0 {
		b.Fail(fmt.Sprintf("key %.40q twice", b.Contents(key)))
	}
	*seen |= 1 << bit
}

// string takes a string, or null for "".
func (b *body) string() (jsonscan.Token, string) {
	t := b.Value()
	switch t.Kind {
	case jsonscan.String:
		return t, string(b.Contents(t))
	case jsonscan.Null, jsonscan.None:
		return t, ""
	default:
		b.Fail("a value that is not a string")
		return t, ""
	}
}

// text is the next value as a text, "" for null.
func (b *body) text() string {
	t := b.Value()
	if t.Kind == jsonscan.Null {
		return ""
	}
	return string(b.Contents(t))
}

// integer is a value as fastjson reads it where Java has an integer, in quotes or not; 0 if it is none.
func (b *body) integer(t jsonscan.Token) int64 {
	text := strings.TrimSpace(string(b.Contents(t)))
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return int64(n)
	}
	return 0
}
