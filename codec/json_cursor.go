package codec

// maxDepth bounds nesting in a header. Real headers have two levels; each costs stack.
const maxDepth = 64

// jsonCursor walks JSON text without building anything. After a failed step its offset is about where the fault is.
type jsonCursor struct {
	b   []byte
	off int
}

// next skips white space and returns the byte behind it without taking it, 0 at the end.
func (c *jsonCursor) next() byte {
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

// key takes the next key of an object and the colon behind it, or the end of the object, where more is false. A comma
// must come before all but the first. The key is what stands between the quotes, escapes and all.
func (c *jsonCursor) key(first bool) (key []byte, escaped, more, ok bool) {
	ch := c.next()
	if ch == '}' {
		c.off++
		return nil, false, false, true
	}
	if !first {
		if ch != ',' {
			return nil, false, false, false
		}
		c.off++
		ch = c.next()
	}
	if ch != '"' {
		return nil, false, false, false
	}
	key, escaped, ok = c.str()
	if !ok || c.next() != ':' {
		return nil, false, false, false
	}
	c.off++
	return key, escaped, true, true
}

// value takes any value and returns where it starts and ends. depth is how many levels it may have.
func (c *jsonCursor) value(depth int) (start, end int, ok bool) {
	ch := c.next()
	start = c.off
	switch ch {
	case '"':
		_, _, ok = c.str()
	case '{':
		ok = c.object(depth)
	case '[':
		ok = c.array(depth)
	default:
		ok = c.word()
	}
	return start, c.off, ok
}

// object takes an object, at whose brace the cursor stands.
func (c *jsonCursor) object(depth int) bool {
	if depth == 0 {
		return false
	}
	c.off++
	for first := true; ; first = false {
		_, _, more, ok := c.key(first)
		if !ok || !more {
			return ok
		}
		if _, _, ok = c.value(depth - 1); !ok {
			return false
		}
		c.off = plainMembers(c.b, c.off)
	}
}

// plainMembers passes over members of the usual form ,"key":"value" as far as they go, and leaves all that is unusual
// to object. Nearly all bytes of a header are of this form; here they cost half.
func plainMembers(b []byte, i int) int {
	for i+1 < len(b) && b[i] == ',' && b[i+1] == '"' {
		key, _ := stringEnd(b, i+2)
		if key+2 >= len(b) || b[key+1] != ':' || b[key+2] != '"' {
			return i
		}
		value, _ := stringEnd(b, key+3)
		if value >= len(b) {
			return i
		}
		i = value + 1
	}
	return i
}

// array takes an array, at whose bracket the cursor stands.
func (c *jsonCursor) array(depth int) bool {
	if depth == 0 {
		return false
	}
	c.off++
	for first := true; ; first = false {
		ch := c.next()
		if ch == ']' {
			c.off++
			return true
		}
		if !first {
			if ch != ',' {
				return false
			}
			c.off++
		}
		if _, _, ok := c.value(depth - 1); !ok {
			return false
		}
	}
}

// str takes a string, at whose quote the cursor stands, and returns what is between the quotes, escapes and all.
func (c *jsonCursor) str() (inner []byte, escaped, ok bool) {
	start := c.off + 1
	end, escaped := stringEnd(c.b, start)
	if end >= len(c.b) {
		return nil, false, false
	}
	c.off = end + 1
	return c.b[start:end], escaped, true
}

// stringEnd returns where the quote stands that ends the string whose inside begins at i, len(b) or more for nowhere,
// and whether there are escapes in it. Strings in headers are short: byte by byte is faster here than eight at a time
// or bytes.IndexByte.
func stringEnd(b []byte, i int) (end int, escaped bool) {
	for i < len(b) && b[i] != '"' {
		if b[i] == '\\' {
			escaped = true
			i++
		}
		i++
	}
	return i, escaped
}
