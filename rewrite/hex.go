package rewrite

import "encoding/binary"

// An offset message id passes with each send, so eight hexadecimal digits are read and written at a time, each in a byte
// of a uint64. Lengths in bytes are multiples of four.

const eachByte = 0x0101010101010101

// decodeHex reads src into dst, which is half as long. It reports false if src has anything but digits in it.
func decodeHex(dst, src []byte) bool {
	invalid := uint64(0)
	for ; len(src) >= 8; dst, src = dst[4:], src[8:] {
		x := binary.BigEndian.Uint64(src)
		letter := x >> 6 & eachByte     // if it is one: 0x41 to 0x46, 0x61 to 0x66
		small := x >> 5 & letter        // if it is one of the latter
		v := x&(15*eachByte) + 9*letter // below 25, so nothing is carried
		invalid |= x ^ (v + '0'*eachByte + 7*letter + 32*small)
		invalid |= fromTen(v) ^ letter
		invalid |= v & (16 * eachByte)
		v = (v | v>>4) & 0x00ff00ff00ff00ff
		v = (v | v>>8) & 0x0000ffff0000ffff
		binary.BigEndian.PutUint32(dst, uint32(v|v>>16))
	}
	return invalid == 0
}

// encodeHex writes src into dst, which is twice as long, in capitals.
func encodeHex(dst, src []byte) {
	for ; len(src) >= 4; dst, src = dst[8:], src[4:] {
		v := uint64(binary.BigEndian.Uint32(src))
		v = (v | v<<16) & 0x0000ffff0000ffff
		v = (v | v<<8) & 0x00ff00ff00ff00ff
		v = (v | v<<4) & 0x0f0f0f0f0f0f0f0f
		binary.BigEndian.PutUint64(dst, v+'0'*eachByte+7*fromTen(v))
	}
}

// fromTen has a 1 in each byte that is 10 or more, and below 26.
func fromTen(v uint64) uint64 { return (v + 6*eachByte) >> 4 & eachByte }
