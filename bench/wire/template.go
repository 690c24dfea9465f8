//go:build linux

package wire

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Opaques lie in this range so that they always have ten digits in JSON and a template can be patched in place.
const (
	FirstOpaque = 1_000_000_000
	LastOpaque  = 1<<31 - 1
)

// Template is a frame of which only the opaque changes.
type Template struct {
	frame  []byte // all of it, or its head when the body is written apart
	opaque int    // where the opaque stands
	binary bool
}

// NewTemplate makes the template of a frame.
func NewTemplate(c *codec.Command, enc codec.Encoding) *Template {
	c.Opaque = FirstOpaque
	t := &Template{frame: c.Append(nil, enc)}
	t.binary = t.frame[4] == byte(codec.Binary)
	if t.binary {
		t.opaque = codec.PrefixLen + 5
	} else {
		t.opaque = bytes.Index(t.frame, opaqueKey) + len(opaqueKey)
	}
	return t
}

// AppendTo appends the frame with another opaque, from FirstOpaque to LastOpaque.
func (t *Template) AppendTo(dst []byte, opaque int) []byte {
	at := len(dst) + t.opaque
	dst = append(dst, t.frame...)
	if t.binary {
		binary.BigEndian.PutUint32(dst[at:], uint32(opaque))
	} else {
		strconv.AppendInt(dst[at:at], int64(opaque), 10)
	}
	return dst
}

// SplitBody cuts the last n bytes off, which are then written apart.
func (t *Template) SplitBody(n int) (body []byte) {
	at := len(t.frame) - n
	body, t.frame = t.frame[at:], t.frame[:at]
	return body
}
