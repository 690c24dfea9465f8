//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Opaques lie in this range so that they always have ten digits in JSON and a template can be patched in place.
const (
	firstOpaque = 1_000_000_000
	lastOpaque  = 1<<31 - 1
)

// template is a frame of which only the opaque changes.
type template struct {
	frame  []byte // all of it, or its head when the body is written apart
	opaque int    // where the opaque stands
	binary bool
}

func newTemplate(c *codec.Command, enc codec.Encoding) *template {
	c.Opaque = firstOpaque
	t := &template{frame: c.Append(nil, enc)}
	t.binary = t.frame[4] == byte(codec.Binary)
	if t.binary {
		t.opaque = codec.PrefixLen + 5
	} else {
		t.opaque = bytes.Index(t.frame, opaqueKey) + len(opaqueKey)
	}
	return t
}

// appendTo appends the frame with another opaque, from firstOpaque to lastOpaque.
func (t *template) appendTo(dst []byte, opaque int) []byte {
	at := len(dst) + t.opaque
	dst = append(dst, t.frame...)
	if t.binary {
		binary.BigEndian.PutUint32(dst[at:], uint32(opaque))
	} else {
		strconv.AppendInt(dst[at:at], int64(opaque), 10)
	}
	return dst
}
