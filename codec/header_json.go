package codec

import (
	"bytes"
	"strconv"
)

// maxDepth bounds nesting in a header. Real headers have two levels.
const maxDepth = 64

// jsonCursor walks JSON text without building anything. A failed step leaves a negative offset.
type jsonCursor struct {
	b   []byte
	off int
}

func (c *jsonCursor) space() {
	for c.off < len(c.b) {
		switch c.b[c.off] {
		case ' ', '\t', '\n', '\r':
			c.off++
		default:
			return
		}
	}
}

// take skips white space and then ch, if ch is there.
func (c *jsonCursor) take(ch byte) bool {
	c.space()
	if c.off < len(c.b) && c.b[c.off] == ch {
		c.off++
		return true
	}
	return false
}

// str reads a string and returns what stands between its quotes, escapes and all.
func (c *jsonCursor) str() (inner []byte, escaped, ok bool) {
	if !c.take('"') {
		return nil, false, false
	}
	start := c.off
	for {
		i := bytes.IndexByte(c.b[c.off:], '"')
		if i < 0 {
			return nil, false, false
		}
		end := c.off + i
		back := 0
		for end-back > start && c.b[end-back-1] == '\\' {
			back++
		}
		c.off = end + 1
		if back%2 == 0 {
			inner = c.b[start:end]
			return inner, bytes.IndexByte(inner, '\\') >= 0, true
		}
	}
}

// integer reads a plain decimal int32; fractions and exponents are refused, Java's libraries disagree about them.
func (c *jsonCursor) integer() (int32, bool) {
	c.space()
	neg := c.off < len(c.b) && c.b[c.off] == '-'
	if neg {
		c.off++
	}
	start, n := c.off, int64(0)
	for c.off < len(c.b) && c.b[c.off]-'0' <= 9 && c.off-start < 11 {
		n = n*10 + int64(c.b[c.off]-'0')
		c.off++
	}
	if c.off == start {
		return 0, false
	}
	if neg {
		n = -n
	}
	if n != int64(int32(n)) || (c.off < len(c.b) && bytes.IndexByte([]byte(".eE0123456789"), c.b[c.off]) >= 0) {
		return 0, false
	}
	return int32(n), true
}

// skip passes over any value and returns where it starts and ends. Nesting costs no stack.
func (c *jsonCursor) skip() (start, end int, ok bool) {
	c.space()
	start = c.off
	depth := 0
	for c.off < len(c.b) {
		switch ch := c.b[c.off]; ch {
		case '"':
			if _, _, ok := c.str(); !ok {
				return 0, 0, false
			}
			if depth == 0 {
				return start, c.off, true
			}
			continue
		case '{', '[':
			if depth++; depth > maxDepth {
				return 0, 0, false
			}
		case '}', ']':
			if depth == 0 {
				return start, c.off, c.off > start
			}
			if depth--; depth == 0 {
				c.off++
				return start, c.off, true
			}
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return start, c.off, c.off > start
			}
		case ':':
			if depth == 0 {
				return 0, 0, false
			}
		}
		c.off++
	}
	return start, c.off, depth == 0 && c.off > start
}

// literal reports whether the next value is the bare word.
func (c *jsonCursor) literal(word string) bool {
	c.space()
	if len(c.b)-c.off >= len(word) && string(c.b[c.off:c.off+len(word)]) == word {
		c.off += len(word)
		return true
	}
	return false
}

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
	c := jsonCursor{b: raw}
	if !c.take('{') {
		return badJSON(raw, c.off, "no object")
	}
	seen := 0
	for first := true; ; first = false {
		if c.take('}') {
			break
		}
		if !first && !c.take(',') {
			return badJSON(raw, c.off, "no comma between two fields")
		}
		key, escaped, ok := c.str()
		if !ok || escaped || !c.take(':') {
			return badJSON(raw, c.off, "no plain key")
		}
		bit := headerKey(key)
		if bit == 0 && lookalike(key) {
			return badJSON(raw, c.off, "key "+strconv.Quote(string(key))+", which servers read differently")
		}
		if seen&bit != 0 {
			return badJSON(raw, c.off, "key "+strconv.Quote(string(key))+" twice")
		}
		seen |= bit
		if !h.jsonField(&c, bit) {
			return badJSON(raw, c.off, "no usable value for key "+strconv.Quote(string(key)))
		}
	}
	if c.space(); c.off != len(raw) {
		return badJSON(raw, c.off, "bytes after the object")
	}
	h.NoOpaque = seen&seenOpaque == 0
	return nil
}

func (h *Header) jsonField(c *jsonCursor, bit int) (ok bool) {
	switch bit {
	case seenCode:
		h.Code, ok = c.integer()
	case seenVersion:
		h.Version, ok = c.integer()
	case seenOpaque:
		h.Opaque, ok = c.integer()
	case seenFlag:
		h.Flag, ok = c.integer()
	case seenLanguage:
		if c.literal("null") {
			h.Language = LanguageUnknown
			return true
		}
		var name []byte
		if name, _, ok = c.str(); ok {
			h.Language = languageByName(name)
		}
	case seenExt:
		if c.literal("null") {
			return true
		}
		c.space()
		if c.off >= len(c.b) || c.b[c.off] != '{' {
			return false
		}
		var start, end int
		if start, end, ok = c.skip(); ok {
			h.extOff, h.extEnd = int32(start), int32(end)
		}
	default:
		_, _, ok = c.skip()
	}
	return ok
}

func badJSON(raw []byte, off int, what string) error {
	return badFrame("JSON header has %s at byte %d of %d", what, min(off, len(raw)), len(raw))
}

// walkJSONExt yields key, value and where the value stands (with quotes, if any). Numbers and booleans are taken as
// their text, as Java does; null fields are left out. It reports whether the object was well formed to its end.
func walkJSONExt(b []byte, yield func(key, value []byte, start, end int) bool) bool {
	c := jsonCursor{b: b}
	if !c.take('{') {
		return false
	}
	for first := true; ; first = false {
		if c.take('}') {
			return true
		}
		if !first && !c.take(',') {
			return false
		}
		key, escaped, ok := c.str()
		if !ok || !c.take(':') {
			return false
		}
		if escaped {
			key = unescape(key)
		}
		start, end, ok := c.skip()
		if !ok {
			return false
		}
		value := b[start:end]
		if value[0] == '"' {
			if value = value[1 : len(value)-1]; bytes.IndexByte(value, '\\') >= 0 {
				value = unescape(value)
			}
		} else if string(value) == "null" {
			continue
		}
		if !yield(key, value, start, end) {
			return true
		}
	}
}
