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

// spotKeys are ext fields that a relay reads of each request or answer of a kind. Of each of two kinds the place of one is
// remembered, that of the first in this list: the message ids of a send's answer, where a pull begins, and the broker that a
// request is for; and the topic.
var spotKeys = [...]string{"msgId", "queueOffset", "n", "bname", firstTopic: "b", "topic"}

const (
	spotKinds  = 2
	firstTopic = 4 // the keys of the second kind
)

// spotKind is that of a key, which is counted from 1.
func spotKind(key uint8) int {
	if key > firstTopic {
		return 1
	}
	return 0
}

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
			for _, key := range s.Members() {
				l.field(&s, key, s.Value())
			}
		default:
			s.Value()
		}
	}
}

func (l *layout) field(s *jsonscan.Scanner, key, v jsonscan.Token) {
	from, to, kind := v.From, v.To, jsonInteger
	if v.Kind == jsonscan.String {
		from, to, kind = from+1, to-1, jsonString
	}
	varies := v.Kind == jsonscan.String || v.Kind == jsonscan.Integer
	if varies {
		l.add(from, to, kind)
	}
	for i, want := range spotKeys {
		if s.Is(key, want) {
			l.note(uint8(i+1), from, to, varies)
		}
	}
}

// note notes where the value of a spot key stands, of a key that stands twice the last one. One that is null, or of a
// kind that is not remembered, is not.
func (l *layout) note(key uint8, off, end int, known bool) {
	s := &l.spots[spotKind(key)]
	switch {
	case s.key != 0 && s.key < key:
	case known:
		*s = layoutSpot{key, off, end}
	default:
		*s = layoutSpot{}
	}
}

func (l *layout) findBinary() {
	l.add(binaryOpaqueOff, binaryOpaqueOff+4, binaryOpaque)
	off, end := int(l.header.extOff), int(l.header.extEnd)
	l.add(off-4, off, binaryLength)
	walkBinaryExt(l.text[off:end], func(k, v []byte, lenOff int) bool {
		from, to := off+lenOff+4, off+lenOff+4+len(v)
		l.add(from-4, to, binaryValue)
		for i, want := range spotKeys {
			if string(k) == want {
				l.note(uint8(i+1), from, to, true)
			}
		}
		return true
	})
}
