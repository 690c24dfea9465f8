package codec

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec/jsonscan"
)

// layout is a header that the scanner accepted, and where values stand in it that may be others in the next header: the
// opaque, and the values of ext fields. A header that is the same everywhere else is read as this one is, but for its
// opaque and the place of its ext fields: values are taken by the rules of the scanner, and nothing hangs on them.
type layout struct {
	text   []byte
	header Header  // of text
	values []value // in ascending order
	varied []value // those of them that have differed; what lies between them is compared in one piece
	spots  [spotKinds]layoutSpot
}

// layoutSpot is a spot of a layout's text; the zero value is none.
type layoutSpot struct {
	key      uint8
	off, end int
}

// value is the place of a value, text[start:to]. What stands before from has always been the same: of a long string it
// is mostly the end that differs, and to compare is faster than to look for a quote.
type value struct {
	start, from, to int
	kind            valueKind
	varied          bool
}

type valueKind uint8

const (
	jsonString   valueKind = iota // the inside of a string; its quote stands at to
	jsonInteger                   // without quotes, of any length
	jsonOpaque                    // an integer without quotes, of 32 bits
	binaryOpaque                  // four bytes
	binaryLength                  // of all ext fields, four bytes
	binaryValue                   // a length of four bytes, and as many bytes
)

// match reads raw as the scanner would, if it is a header of this layout.
func (l *layout) match(raw []byte, h *Header) bool {
	return l.read(raw, h) || l.loosen(raw) && l.read(raw, h)
}

// read is match for a header that differs only where others have.
func (l *layout) read(raw []byte, h *Header) bool {
	at, to := 0, 0 // the same place in l.text and raw
	opaque, extOff, extEnd, spots := l.header.Opaque, l.header.extOff, l.header.extEnd, l.spots
	for i := range l.varied {
		v := &l.varied[i]
		n := v.from - at
		if n > len(raw)-to || string(l.text[at:v.from]) != string(raw[to:to+n]) {
			return false
		}
		taken, end, ok := v.take(raw, to+n)
		if !ok {
			return false
		}
		at, to = v.to, end
		if v.kind == jsonOpaque || v.kind == binaryOpaque {
			opaque = taken
		}
		if v.to <= int(l.header.extOff) {
			extOff = l.header.extOff + int32(to-at)
		}
		if v.to <= int(l.header.extEnd) {
			extEnd = l.header.extEnd + int32(to-at)
		}
		for s := range spots {
			if v.to < l.spots[s].off {
				spots[s].off = l.spots[s].off + to - at
			}
			if v.to <= l.spots[s].end {
				spots[s].end = l.spots[s].end + to - at
			}
		}
	}
	if string(l.text[at:]) != string(raw[to:]) || !l.saysLength(raw) {
		return false
	}
	*h = l.header
	h.Opaque, h.extOff, h.extEnd = opaque, extOff, extEnd
	for i, s := range spots {
		if s.end <= math.MaxUint16 {
			h.spots[i] = spot{s.key, uint16(s.off), uint16(s.end)}
		}
	}
	return true
}

// take takes a value of this kind that goes on at raw[at:] and returns where it ends, and the number that it says.
func (v *value) take(raw []byte, at int) (n int32, end int, ok bool) {
	switch v.kind {
	case jsonString:
		end = jsonscan.StringEnd(raw, at)
		return 0, end, end < len(raw)
	case jsonInteger:
		end, ok = jsonscan.IntegerEnd(raw, at)
		return 0, end, ok
	case jsonOpaque:
		return jsonscan.Int32At(raw, at)
	default:
		return v.takeBinary(raw, at)
	}
}

func (v *value) takeBinary(raw []byte, at int) (n int32, end int, ok bool) {
	if len(raw)-at < 4 {
		return 0, 0, false
	}
	length := binary.BigEndian.Uint32(raw[at:])
	at += 4
	if v.kind != binaryValue {
		return int32(length), at, true
	}
	return 0, at + int(length), length <= uint32(len(raw)-at)
}

// saysLength reports that a ROCKETMQ header says how long its ext fields are. It is the same as the text but for values.
func (l *layout) saysLength(raw []byte) bool {
	off, end := int(l.header.extOff), int(l.header.extEnd)+len(raw)-len(l.text)
	return l.header.Encoding == JSON || binary.BigEndian.Uint32(raw[off-4:]) == uint32(end-off)
}

// loosen notes which values of raw differ from those of the text. It is false, and nothing is noted, when anything else
// differs.
func (l *layout) loosen(raw []byte) bool {
	var differs [maxLayoutValues]int // where in the text; 0: nowhere
	at, to, ok := 0, 0, false
	same := samePrefix(l.text, raw)
	for i := range l.values {
		v := &l.values[i]
		if same > v.to || same == len(l.text) {
			continue
		}
		if same < v.start {
			return false
		}
		differs[i] = same
		if _, to, ok = v.take(raw, to+v.start-at); !ok {
			return false
		}
		at = v.to
		same = at + samePrefix(l.text[at:], raw[to:])
	}
	if same != len(l.text) || to+same-at != len(raw) || !l.saysLength(raw) {
		return false
	}
	l.varied = l.varied[:0]
	for i := range l.values {
		v := &l.values[i]
		if differs[i] > 0 {
			v.vary(l.text, differs[i])
		}
		if v.varied {
			l.varied = append(l.varied, *v)
		}
	}
	return true
}

// vary notes that a value differs from its byte at on. It is read from there on, if no escape stands across that byte.
func (v *value) vary(text []byte, at int) {
	from := v.start
	for next := from; v.kind == jsonString && next <= at; next++ {
		from = next
		if text[next] == '\\' {
			next++
		}
	}
	if !v.varied || from < v.from {
		v.from, v.varied = from, true
	}
}

// samePrefix is how many bytes a and b have in common at their beginning.
func samePrefix(a, b []byte) (n int) {
	end := min(len(a), len(b))
	a, b = a[:end], b[:end]
	for n+8 <= end {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)>>3
		}
		n += 8
	}
	for n < end && a[n] == b[n] {
		n++
	}
	return n
}
