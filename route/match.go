package route

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"unicode/utf8"
)

// MatcherSpec is what a matcher says in the configuration. Exactly one of the first six is set.
type MatcherSpec struct {
	Exact, Prefix, Suffix string
	Regex                 string // RE2; it must match the whole value
	Range                 Range
	Present               bool // the value is there, whatever it is
	IgnoreCase            bool // of Exact, Prefix, Suffix and Regex
	Invert                bool // matches what would not match, a value that is not there included
}

// Range is a range of whole numbers; End is not included. The zero value is none.
type Range struct{ Start, End int64 }

// Matcher is a compiled MatcherSpec. It never changes, and matching allocates nothing. nil matches everything.
type Matcher struct {
	spec  MatcherSpec
	text  []byte         // Exact, Prefix or Suffix
	regex *regexp.Regexp // of Regex
}

// Why a matcher cannot be used.
var (
	ErrNoMatcher    = errors.New("nothing to match with")
	ErrManyMatchers = errors.New("more than one matcher")
	ErrEmptyRange   = errors.New("an empty range")
)

// NewMatcher compiles a spec.
func NewMatcher(s MatcherSpec) (*Matcher, error) {
	switch set := s.set(); {
	case set == 0:
		return nil, ErrNoMatcher
	case set > 1:
		return nil, ErrManyMatchers
	case s.Range != Range{} && s.Range.Start >= s.Range.End:
		return nil, ErrEmptyRange
	}
	m := &Matcher{spec: s, text: []byte(s.Exact + s.Prefix + s.Suffix)}
	if s.Regex != "" {
		if _, err := regexp.Compile(s.Regex); err != nil { // as it stands: brackets of ours must not make it whole
			return nil, fmt.Errorf("cannot compile the regex: %w", err)
		}
		flags := ""
		if s.IgnoreCase {
			flags = "(?i)"
		}
		m.regex = regexp.MustCompile(flags + `\A(?:` + s.Regex + `)\z`)
	}
	return m, nil
}

// set counts the matchers that are set.
func (s *MatcherSpec) set() (n int) {
	for _, is := range []bool{s.Exact != "", s.Prefix != "", s.Suffix != "", s.Regex != "", s.Range != Range{}, s.Present} {
		if is {
			n++
		}
	}
	return n
}

// Match reports whether a value matches; present is false when there is none.
func (m *Matcher) Match(value []byte, present bool) bool {
	if m == nil {
		return true
	}
	return (present && m.matches(value)) != m.spec.Invert
}

// MatchString is Match for a value that is there.
func (m *Matcher) MatchString(value string) bool { return m.Match([]byte(value), true) }

func (m *Matcher) matches(value []byte) bool {
	switch s := &m.spec; {
	case s.Exact != "":
		return m.equal(value)
	case s.Prefix != "":
		return m.equal(head(value, s.Prefix))
	case s.Suffix != "":
		return m.equal(tail(value, s.Suffix))
	case m.regex != nil:
		return m.regex.Match(value)
	case s.Present:
		return true
	default:
		n, ok := number(value)
		return ok && s.Range.Start <= n && n < s.Range.End
	}
}

func (m *Matcher) equal(value []byte) bool {
	if m.spec.IgnoreCase {
		return bytes.EqualFold(value, m.text)
	}
	return bytes.Equal(value, m.text)
}

// number reads a whole number.
func number(value []byte) (n int64, ok bool) {
	const longest = 20 // of 64 bits, with its sign
	if len(value) > longest {
		return 0, false
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	return n, err == nil
}

// head is as many characters of the beginning of value as want has, or all of it. Case may change how many bytes a character
// has, never how many characters there are.
func head(value []byte, want string) []byte {
	at := 0
	for range want {
		if at < len(value) {
			_, size := utf8.DecodeRune(value[at:])
			at += size
		}
	}
	return value[:at]
}

// tail is the same of its end.
func tail(value []byte, want string) []byte {
	at := len(value)
	for range want {
		_, size := utf8.DecodeLastRune(value[:at])
		at -= size
	}
	return value[at:]
}

// covers reports that whatever other matches m matches too, as far as that can be decided: of two regexes it is not known
// unless they are the same.
func (m *Matcher) covers(other *Matcher) bool {
	switch {
	case m == nil:
		return true
	case other == nil:
		return false
	case m.spec == other.spec:
		return true
	case other.spec.Invert: // the complements
		return m.spec.Invert && other.plain().covers(m.plain())
	case other.spec.Exact != "" && (!other.caseMatters() || m.caseMatters()):
		return m.MatchString(other.spec.Exact)
	case m.spec.Invert:
		return m.plain().disjoint(other)
	case m.spec.Present:
		return true
	case other.caseMatters() && !m.caseMatters():
		return false // one spelling of many
	}
	return m.wider(other)
}

// plain is the matcher without its inversion.
func (m *Matcher) plain() *Matcher {
	p := *m
	p.spec.Invert = false
	return &p
}

// caseMatters reports that the matcher ignores the case of something that has case.
func (m *Matcher) caseMatters() bool {
	s := &m.spec
	return s.IgnoreCase && (s.Regex != "" || !bytes.Equal(bytes.ToLower(m.text), bytes.ToUpper(m.text)))
}

// wider compares two of the same kind, neither of which is inverted.
func (m *Matcher) wider(other *Matcher) bool {
	a, b := &m.spec, &other.spec
	switch {
	case a.Prefix != "" && b.Prefix != "":
		return m.matches([]byte(b.Prefix))
	case a.Suffix != "" && b.Suffix != "":
		return m.matches([]byte(b.Suffix))
	case a.Range != Range{} && b.Range != Range{}:
		return a.Range.Start <= b.Range.Start && b.Range.End <= a.Range.End
	}
	return false
}

// disjoint reports that nothing matches both, neither of which is inverted.
func (m *Matcher) disjoint(other *Matcher) bool {
	a, b := &m.spec, &other.spec
	switch {
	case a.Exact != "" && !a.IgnoreCase:
		return !other.MatchString(a.Exact)
	case a.Prefix != "" && b.Prefix != "":
		return !bytes.EqualFold(head(m.text, b.Prefix), head(other.text, a.Prefix))
	case a.Suffix != "" && b.Suffix != "":
		return !bytes.EqualFold(tail(m.text, b.Suffix), tail(other.text, a.Suffix))
	case a.Range != Range{} && b.Range != Range{}:
		return a.Range.End <= b.Range.Start || b.Range.End <= a.Range.Start
	}
	return false
}

// needs reports that every value that matches begins with one of some words.
func (m *Matcher) needs(words []string) bool {
	if m == nil || m.spec.Invert {
		return false
	}
	for _, word := range words {
		if m.spec.Suffix == "" && bytes.HasPrefix(m.text, []byte(word)) {
			return true
		}
	}
	return false
}
