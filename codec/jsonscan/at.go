package jsonscan

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// What begins at b[i], for a reader that knows where values stand. It reads them as a Scanner does; what follows is for
// the caller to look at.

// StringEnd returns where the quote stands that ends the string whose inside b[i:] is; len(b) or more is nowhere.
func StringEnd(b []byte, i int) (end int) {
	for i+8 <= len(b) {
		m := special(binary.LittleEndian.Uint64(b[i:]))
		if m == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(m) >> 3
		if b[i] == '"' {
			return i
		}
		i += 2 // the backslash and what it escapes
	}
	end, _ = stringEnd(b, i)
	return end
}

// special has the highest bit set of the first byte of x that is a quote or a backslash, and perhaps of later ones.
func special(x uint64) uint64 {
	const each, highest = 0x0101010101010101, 0x8080808080808080
	quotes, backslashes := x^('"'*each), x^('\\'*each)
	return ((quotes-each)&^quotes | (backslashes-each)&^backslashes) & highest
}

// Int32At takes what [Scanner.Int32] takes without quotes.
func Int32At(b []byte, i int) (n int32, end int, ok bool) {
	negative := i < len(b) && b[i] == '-'
	if negative {
		i++
	}
	from, value := i, int64(0)
	for i < len(b) && isDigit(b[i]) && i-from < 11 {
		value = value*10 + int64(b[i]-'0')
		i++
	}
	if i == from || i > from+1 && b[from] == '0' {
		return 0, i, false
	}
	if negative {
		value = -value
	}
	return int32(value), i, math.MinInt32 <= value && value <= math.MaxInt32
}

// IntegerEnd returns where the integer ends that begins at b[i], if one does. A fraction or an exponent may follow.
func IntegerEnd(b []byte, i int) (end int, ok bool) {
	if i < len(b) && b[i] == '-' {
		i++
	}
	from := i
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i, i > from
}
