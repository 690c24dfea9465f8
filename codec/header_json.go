package codec

import (
	"bytes"
	"strconv"
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
	c := jsonCursor{b: raw}
	if c.next() != '{' {
		return badJSON(raw, c.off, "no object")
	}
	c.off++
	seen := 0
	for first := true; ; first = false {
		key, escaped, more, ok := c.key(first)
		if !ok || escaped {
			return badJSON(raw, c.off, "no comma, no end or no plain key")
		}
		if !more {
			break
		}
		bit := headerKey(key)
		if bit == 0 && lookalike(key) {
			return badJSON(raw, c.off, "key "+quoteKey(key)+", which servers read differently")
		}
		if seen&bit != 0 {
			return badJSON(raw, c.off, "key "+quoteKey(key)+" twice")
		}
		seen |= bit
		if !h.jsonField(&c, bit) {
			return badJSON(raw, c.off, "no usable value for key "+quoteKey(key))
		}
	}
	if c.next(); c.off != len(raw) {
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
		ok = h.jsonLanguage(c)
	case seenExt:
		ok = h.jsonExt(c)
	default:
		_, _, ok = c.value(maxDepth)
	}
	return ok
}

func (h *Header) jsonLanguage(c *jsonCursor) bool {
	if c.next() != '"' {
		h.Language = LanguageUnknown
		return c.literal("null")
	}
	name, escaped, ok := c.str()
	if escaped {
		name = unescape(name)
	}
	h.Language = languageByName(name)
	return ok
}

func (h *Header) jsonExt(c *jsonCursor) bool {
	if c.next() != '{' {
		return c.literal("null")
	}
	start := c.off
	if !c.object(maxDepth) {
		return false
	}
	h.extOff, h.extEnd = int32(start), int32(c.off)
	return true
}

func badJSON(raw []byte, off int, what string) error {
	return badFrame("JSON header has %s at byte %d of %d", what, min(off, len(raw)), len(raw))
}

// quoteKey quotes a key for an error; a peer decides how long it is.
func quoteKey(key []byte) string { return strconv.Quote(string(key[:min(len(key), 40)])) }

// findJSONExt finds a field without looking into the others: their escapes stay as they are.
func findJSONExt(b []byte, key string) (value []byte, ok bool) {
	if len(b) == 0 {
		return nil, false
	}
	c := jsonCursor{b: b, off: 1}
	for first := true; ; first = false {
		k, escaped, more, good := c.key(first)
		if !good || !more {
			break
		}
		if escaped {
			k = unescape(k)
		}
		start, end, good := c.value(maxDepth)
		if !good {
			break
		}
		if string(k) == key {
			value, ok = b[start:end], b[start] != 'n' // null
		}
	}
	if !ok {
		return nil, false
	}
	return jsonText(value), ok
}

// jsonText is what a value says: the text of a string, any other value as it is written.
func jsonText(value []byte) []byte {
	if len(value) == 0 || value[0] != '"' {
		return value
	}
	value = value[1 : len(value)-1]
	if bytes.IndexByte(value, '\\') >= 0 {
		return unescape(value)
	}
	return value
}

// walkJSONExt yields key, value and where the value stands (with quotes, if any). Numbers and booleans are taken as
// their text, as Java does; the value of a null is nil. It reports whether the object was well formed to its end.
func walkJSONExt(b []byte, yield func(key, value []byte, start, end int) bool) bool {
	c := jsonCursor{b: b}
	if c.next() != '{' {
		return false
	}
	c.off++
	for first := true; ; first = false {
		key, escaped, more, ok := c.key(first)
		if !ok || !more {
			return ok
		}
		if escaped {
			key = unescape(key)
		}
		start, end, ok := c.value(maxDepth)
		if !ok {
			return false
		}
		var value []byte
		if b[start] != 'n' { // null
			value = jsonText(b[start:end])
		}
		if !yield(key, value, start, end) {
			return true
		}
	}
}
