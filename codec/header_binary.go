package codec

import (
	"encoding/binary"
	"math"
)

// The fixed part of a ROCKETMQ header (RocketMQSerializable.java): code int16, language int8, version int16,
// opaque int32, flag int32, remark length int32, remark, ext length int32, ext.
const (
	binaryOpaqueOff = 5
	binaryRemarkOff = 13 // of the remark's length
	binaryFixed     = 21 // with both lengths
)

func (h *Header) scanBinary(raw []byte) error {
	if len(raw) < binaryFixed {
		return badFrame("ROCKETMQ header of %d bytes is shorter than its fixed part of %d", len(raw), binaryFixed)
	}
	h.Code = int32(int16(binary.BigEndian.Uint16(raw)))
	h.Language = Language(raw[2])
	h.Version = int32(int16(binary.BigEndian.Uint16(raw[3:])))
	h.Opaque = int32(binary.BigEndian.Uint32(raw[binaryOpaqueOff:]))
	h.Flag = int32(binary.BigEndian.Uint32(raw[9:]))
	remark := int(int32(binary.BigEndian.Uint32(raw[binaryRemarkOff:])))
	if remark < 0 || remark > len(raw)-binaryFixed {
		return badFrame("remark length %d does not fit into a ROCKETMQ header of %d bytes", remark, len(raw))
	}
	off := binaryRemarkOff + 4 + remark
	ext := int(int32(binary.BigEndian.Uint32(raw[off:])))
	if ext < 0 || ext > len(raw)-off-4 {
		return badFrame("ext fields length %d does not fit into a ROCKETMQ header of %d bytes", ext, len(raw))
	}
	off += 4
	if !wellFormedBinaryExt(raw[off : off+ext]) {
		return badFrame("ext fields of %d bytes do not end where their lengths say", ext)
	}
	h.extOff, h.extEnd = int32(off), int32(off+ext)
	return nil
}

// wellFormedBinaryExt is walkBinaryExt without the fields: every frame passes here.
func wellFormedBinaryExt(b []byte) bool {
	off := 0
	for len(b)-off >= 2+4 {
		key := int(binary.BigEndian.Uint16(b[off:]))
		off += 2 + key
		if key > math.MaxInt16 || off > len(b)-4 {
			return false
		}
		value := binary.BigEndian.Uint32(b[off:])
		off += 4
		if value > uint32(len(b)-off) {
			return false
		}
		off += int(value)
	}
	return off == len(b)
}

// walkBinaryExt yields key, value and the offset of the value's length field. A zero-length value is null for Java
// (RocketMQSerializable.java#readStr), and nil here. It ends where the bytes are not well formed.
func walkBinaryExt(b []byte, yield func(key, value []byte, lenOff int) bool) {
	for off := 0; off < len(b); {
		if len(b)-off < 2 {
			return
		}
		kl := int(int16(binary.BigEndian.Uint16(b[off:])))
		off += 2
		if kl < 0 || len(b)-off < kl+4 {
			return
		}
		key := b[off : off+kl]
		off += kl
		lenOff := off
		vl := int(int32(binary.BigEndian.Uint32(b[off:])))
		off += 4
		if vl < 0 || len(b)-off < vl {
			return
		}
		var value []byte
		if vl > 0 {
			value = b[off : off+vl]
		}
		off += vl
		if !yield(key, value, lenOff) {
			return
		}
	}
}
