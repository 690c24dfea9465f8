package jsonscan

import "fmt"

// MaxDepth bounds nesting: the levels inside the outermost value. Real headers have one, real bodies four.
const MaxDepth = 64

// Dialect says what may stand in the place of a key.
type Dialect byte

// The dialects.
const (
	Strict  Dialect = iota // strings only
	Lenient                // fastjson's: also bare integers, objects and arrays
)

// Kind is what a token is.
type Kind byte

// The kinds. Integer is a number without fraction and exponent.
const (
	None Kind = iota // after a fault
	String
	Integer
	Number
	Bool
	Null
	Object
	Array
)

// Token is a key or a value and its place, Text[From:To], quotes included.
type Token struct {
	From, To int
	Kind     Kind
	Escaped  bool // a string with a backslash in it
}

// SyntaxError says where text stops being what its caller expects.
type SyntaxError struct {
	Reason string // a noun phrase: "no comma"
	Off    int    // byte where it was noticed
	Len    int    // bytes of the text
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at byte %d of %d", e.Reason, e.Off, e.Len)
}

// Scanner walks Text from Off on. The zero value with Text set is ready and strict.
type Scanner struct {
	Text    []byte
	Off     int // of the next byte; the end of Text after a fault
	Dialect Dialect
	// BareKeys are the integers without quotes that stood in the place of a key, anywhere in what was taken (Lenient).
	BareKeys []Token

	depth  int
	reason string // of the first fault; "" when there was none
	fault  int    // where it was noticed
}

// Fail notes a fault at the present place, unless there was one before. A caller may use it for text that is well
// formed and wrong all the same.
//
//go:noinline
func (s *Scanner) Fail(reason string) {
	if s.reason == "" {
		s.reason, s.fault = reason, s.Off
	}
	s.Off = len(s.Text)
}

// Failed reports whether there was a fault.
//
//go:noinline
func (s *Scanner) Failed() bool { return s.reason != "" }

// Err returns the first fault, a *SyntaxError, or nil.
func (s *Scanner) Err() error {
	if s.reason == "" {
		return nil
	}
	return &SyntaxError{s.reason, s.fault, len(s.Text)}
}

// Next skips white space and returns the byte behind it without taking it; 0 at the end.
func (s *Scanner) Next() byte {
	for s.Off < len(s.Text) {
		switch ch := s.Text[s.Off]; ch {
		case ' ', '\t', '\n', '\r':
			s.Off++
		default:
			return ch
		}
	}
	return 0
}

// End takes the white space behind the last value; any other byte there is a fault.
func (s *Scanner) End() {
	if s.Next(); s.Off != len(s.Text) {
		s.Fail("bytes after the object")
	}
}

// Open takes the bracket that begins an object or an array, '{' or '['.
func (s *Scanner) Open(bracket byte) bool {
	if s.Next() != bracket {
		s.Fail("no '" + string(rune(bracket)) + "'")
		return false
	}
	if s.depth++; s.depth > MaxDepth+1 {
		s.Fail(fmt.Sprintf("more than %d levels of nesting", MaxDepth))
		return false
	}
	s.Off++
	return true
}

// Member takes the next key of an object that was opened, and the colon behind it; its value must be taken next. more
// is false at the end of the object, which is taken, and after a fault. first is true for the first call.
func (s *Scanner) Member(first bool) (key Token, more bool) {
	ch := s.Next()
	if ch == '}' {
		s.Off++
		s.depth--
		return Token{}, false
	}
	if !first {
		if ch != ',' {
			s.Fail("no comma and no '}'")
			return Token{}, false
		}
		s.Off++
		ch = s.Next()
	}
	if ch == '"' {
		key = s.str()
	} else {
		key = s.oddKey(ch)
	}
	if s.Next() != ':' {
		s.Fail("no colon behind a key")
		return Token{}, false
	}
	s.Off++
	return key, true
}

// oddKey takes a key that is not a string.
func (s *Scanner) oddKey(ch byte) (key Token) {
	switch {
	case s.Dialect == Strict:
		s.Fail("no key")
	case ch == '{' || ch == '[':
		key = s.Value()
	case ch == '-' || isDigit(ch):
		key = s.Value()
		if key.Kind != Integer {
			s.Fail(fmt.Sprintf("the key %.20q, which is not an integer,", s.Text[key.From:key.To]))
		}
		s.BareKeys = append(s.BareKeys, key)
	default:
		s.Fail("no key")
	}
	return key
}

// Element stands before an element of an array that was opened, or at its end, which is taken. The element must be
// taken next.
func (s *Scanner) Element(first bool) (more bool) {
	ch := s.Next()
	if ch == ']' {
		s.Off++
		s.depth--
		return false
	}
	if !first && ch != ',' {
		s.Fail("no comma and no ']'")
		return false
	}
	if !first {
		s.Off++
	}
	return true
}

// Members yields, for each member of the object that comes next, where it begins (behind the '{' or the ',' before it)
// and its key. The body of the loop must take the value.
func (s *Scanner) Members() func(yield func(from int, key Token) bool) {
	return func(yield func(int, Token) bool) {
		if !s.Open('{') {
			return
		}
		for first := true; ; first = false {
			from := s.memberStart(first)
			key, more := s.Member(first)
			if !more || !yield(from, key) {
				return
			}
		}
	}
}

// Elements yields where each element of the array that comes next begins, behind the '[' or the ',' before it. The body
// of the loop must take the element.
func (s *Scanner) Elements() func(yield func(from int) bool) {
	return func(yield func(int) bool) {
		if !s.Open('[') {
			return
		}
		for first := true; s.Element(first); first = false {
			if !yield(s.Off) {
				return
			}
		}
	}
}

// memberStart is where the next member begins, if there is one.
func (s *Scanner) memberStart(first bool) int {
	s.Next()
	if first {
		return s.Off
	}
	return s.Off + 1 // behind the comma
}
