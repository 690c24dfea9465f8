package codec

import (
	"bytes"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec/jsonscan"
)

// What is not remembered: very long headers, which are mostly one value, and those with very many values.
const (
	maxLayoutBytes  = 1 << 10
	maxLayoutValues = 48
)

// newLayout makes a layout of a header that the scanner accepted; nil is none.
func newLayout(raw []byte, h *Header) *layout {
	if len(raw) > maxLayoutBytes {
		return nil
	}
	l := &layout{text: bytes.Clone(raw), header: *h}
	if h.Encoding == Binary {
		l.findBinary()
	} else {
		l.findJSON()
	}
	if len(l.values) > maxLayoutValues {
		return nil
	}
	return l
}

func (l *layout) add(start, to int, kind valueKind) {
	l.values = append(l.values, value{start: start, to: to, kind: kind})
}

func (l *layout) findJSON() {
	s := jsonscan.Scanner{Text: l.text}
	for _, key := range s.Members() {
		switch {
		case s.Is(key, "opaque") && s.Next() != '"':
			v := s.Value()
			l.add(v.From, v.To, jsonOpaque)
		case s.Is(key, "extFields") && s.Next() == '{':
			for range s.Members() {
				if v := s.Value(); v.Kind == jsonscan.String {
					l.add(v.From+1, v.To-1, jsonString)
				} else if v.Kind == jsonscan.Integer {
					l.add(v.From, v.To, jsonInteger)
				}
			}
		default:
			s.Value()
		}
	}
}

func (l *layout) findBinary() {
	l.add(binaryOpaqueOff, binaryOpaqueOff+4, binaryOpaque)
	off, end := int(l.header.extOff), int(l.header.extEnd)
	l.add(off-4, off, binaryLength)
	walkBinaryExt(l.text[off:end], func(_, v []byte, lenOff int) bool {
		l.add(off+lenOff, off+lenOff+4+len(v), binaryValue)
		return true
	})
}
