package codec

// integer takes a plain decimal int32. Fractions, exponents and leading zeros are refused: Java's libraries disagree
// about them.
func (c *jsonCursor) integer() (int32, bool) {
	c.next()
	neg := c.off < len(c.b) && c.b[c.off] == '-'
	if neg {
		c.off++
	}
	start, n := c.off, int64(0)
	for c.off < len(c.b) && c.b[c.off]-'0' <= 9 && c.off-start < 11 {
		n = n*10 + int64(c.b[c.off]-'0')
		c.off++
	}
	if c.off == start || (c.off > start+1 && c.b[start] == '0') {
		return 0, false
	}
	if neg {
		n = -n
	}
	return int32(n), n == int64(int32(n)) // key refuses whatever follows but a comma or the end
}

// literal takes a bare word, if it is the next value.
func (c *jsonCursor) literal(word string) bool {
	c.next()
	if len(c.b)-c.off >= len(word) && string(c.b[c.off:c.off+len(word)]) == word {
		c.off += len(word)
		return true
	}
	return false
}

// word takes a number or one of the three words of JSON.
func (c *jsonCursor) word() bool {
	switch c.next() {
	case 't':
		return c.literal("true")
	case 'f':
		return c.literal("false")
	case 'n':
		return c.literal("null")
	case '-':
		c.off++
	}
	if c.digits() == 0 {
		return false
	}
	if c.off < len(c.b) && c.b[c.off] == '.' {
		c.off++
		if c.digits() == 0 {
			return false
		}
	}
	if c.off < len(c.b) && c.b[c.off]|0x20 == 'e' {
		c.off++
		if c.off < len(c.b) && (c.b[c.off] == '+' || c.b[c.off] == '-') {
			c.off++
		}
		return c.digits() > 0
	}
	return true
}

func (c *jsonCursor) digits() (n int) {
	for c.off < len(c.b) && c.b[c.off]-'0' <= 9 {
		c.off++
		n++
	}
	return n
}
