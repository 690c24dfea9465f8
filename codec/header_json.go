package codec

import (
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec/jsonscan"
)

// Bits of the header keys that have been seen; a second one is an error.
const (
	seenCode = 1 << iota
	seenLanguage
	seenVersion
	seenOpaque
	seenFlag
	seenRemark
	seenExt
	seenSerialize
)

// headerKey maps a key to its bit, 0 for a key that no RocketMQ version reads.
func headerKey(k []byte) int {
	switch string(k) {
	case "code":
		return seenCode
	case "language":
		return seenLanguage
	case "version":
		return seenVersion
	case "opaque":
		return seenOpaque
	case "flag":
		return seenFlag
	case "remark":
		return seenRemark
	case "extFields":
		return seenExt
	case "serializeTypeCurrentRPC":
		return seenSerialize
	}
	return 0
}

// lookalike reports a key that fastjson might take for a known one: it ignores case, '_' and '-'.
func lookalike(k []byte) bool {
	var folded [24]byte
	n := 0
	for _, ch := range k {
		if ch == '_' || ch == '-' {
			continue
		}
		if n == len(folded) {
			return false
		}
		if 'A' <= ch && ch <= 'Z' {
			ch += 'a' - 'A'
		}
		folded[n] = ch
		n++
	}
	switch string(folded[:n]) {
	case "code", "language", "version", "opaque", "flag", "remark", "extfields", "serializetypecurrentrpc":
		return true
	}
	return false
}

func (h *Header) scanJSON(raw []byte) error {
	s := jsonscan.Scanner{Text: raw}
	if !s.Open('{') {
		return badJSON(&s)
	}
	seen := 0
	for first := true; ; first = false {
		key, more := s.Member(first)
		if !more {
			break
		}
		name := raw[key.From+1 : key.To-1]
		bit := headerKey(name)
		switch {
		case bit == 0 && (key.Escaped || lookalike(name)):
			s.Fail("key " + quoteKey(name) + ", which servers read differently")
		case seen&bit != 0:
			s.Fail("key " + quoteKey(name) + " twice")
		case !h.jsonField(&s, bit):
			s.Fail("no usable value for key " + quoteKey(name))
		}
		seen |= bit
	}
	if s.End(); s.Failed() {
		return badJSON(&s)
	}
	h.NoOpaque = seen&seenOpaque == 0
	return nil
}

func (h *Header) jsonField(s *jsonscan.Scanner, bit int) (ok bool) {
	switch bit {
	case seenCode:
		h.Code, ok = s.Int32()
	case seenVersion:
		h.Version, ok = s.Int32()
	case seenOpaque:
		h.Opaque, ok = s.Int32()
	case seenFlag:
		h.Flag, ok = s.Int32()
	case seenLanguage:
		ok = h.jsonLanguage(s)
	case seenExt:
		ok = h.jsonExt(s)
	default:
		ok = s.Value().Kind != jsonscan.None
	}
	return ok
}

// jsonLanguage reads a language's name, or its number: Java's libraries take the ordinal of an enum as well.
func (h *Header) jsonLanguage(s *jsonscan.Scanner) bool {
	switch ch := s.Next(); {
	case ch == '"':
		h.Language = languageByName(s.Contents(s.Value()))
		return true
	case ch == 'n':
		h.Language = LanguageUnknown
		return s.Null()
	default:
		n, ok := s.Int32()
		h.Language = languageByNumber(n)
		return ok
	}
}

func (h *Header) jsonExt(s *jsonscan.Scanner) bool {
	switch t := s.Value(); t.Kind {
	case jsonscan.Object:
		h.extOff, h.extEnd = int32(t.From), int32(t.To)
		return true
	case jsonscan.Null:
		return true
	default:
		return false
	}
}

func badJSON(s *jsonscan.Scanner) error { return badFrame("JSON header has %v", s.Err()) }

// quoteKey quotes a key for an error; a peer decides how long it is.
func quoteKey(key []byte) string { return strconv.Quote(string(key[:min(len(key), 40)])) }

// walkJSONExt yields the fields of an object that Scan accepted; a nil value is null.
func walkJSONExt(object []byte, yield func(key, value []byte) bool) {
	s := jsonscan.Scanner{Text: object}
	if len(object) == 0 || !s.Open('{') {
		return
	}
	for first := true; ; first = false {
		key, more := s.Member(first)
		if !more {
			return
		}
		var value []byte
		if v := s.Value(); v.Kind != jsonscan.Null {
			value = s.Contents(v)
		}
		if !yield(s.Contents(key), value) {
			return
		}
	}
}

// findJSON finds the value of a key in an object that Scan accepted; its place counts from the object's first byte. Of a
// key that stands twice the last counts, as for Java, also when it is null; ok is false for a null.
func findJSON(object []byte, key string) (s jsonscan.Scanner, value jsonscan.Token, ok bool) {
	if len(object) > 0 {
		s.Text = object
		value, ok = s.Find(key)
	}
	return s, value, ok && value.Kind != jsonscan.Null
}
