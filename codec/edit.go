package codec

import (
	"bytes"
	"encoding/binary"
	"strconv"
)

// WithOpaque returns a copy of a whole frame with another opaque. Everything else stays to the byte.
func WithOpaque(frame []byte, opaque int32) ([]byte, error) {
	p, h, err := scanWhole(frame)
	if err != nil {
		return nil, err
	}
	if h.NoOpaque {
		return nil, badFrame("the header has no opaque to change")
	}
	head, body := frame[:p.BodyOff()], frame[p.BodyOff():]
	return append(SetOpaque(bytes.Clone(head), h, len(body), opaque), body...), nil
}

// SetOpaque gives a frame another opaque. head is the frame's prefix and header, h what was scanned of it; the body, bodyLen
// bytes, follows unchanged. Where the opaque takes as much room as before it is changed in place, and the result is head;
// else the result is another prefix and header, and head stays as it is. A header without an opaque stays as well.
func SetOpaque(head []byte, h *Header, bodyLen int, opaque int32) []byte {
	if h.Encoding == Binary {
		binary.BigEndian.PutUint32(head[PrefixLen+binaryOpaqueOff:], uint32(opaque))
		return head
	}
	return setJSON(head, bodyLen, "opaque", opaque)
}

// SetCode is SetOpaque for the code of a frame. ok is false when the header cannot carry it: a ROCKETMQ header has 16 bits
// for it.
func SetCode(head []byte, h *Header, bodyLen int, code int32) (out []byte, ok bool) {
	switch {
	case h.Encoding == JSON:
		return setJSON(head, bodyLen, "code", code), true
	case code != int32(int16(code)):
		return head, false
	}
	binary.BigEndian.PutUint16(head[PrefixLen:], uint16(code))
	return head, true
}

// setJSON changes an integer of a JSON header.
func setJSON(head []byte, bodyLen int, key string, n int32) []byte {
	raw := head[PrefixLen:]
	_, v, ok := findJSON(raw, key)
	if !ok {
		return head
	}
	var digits [11]byte
	put := strconv.AppendInt(digits[:0], int64(n), 10)
	if len(put) == v.To-v.From {
		copy(raw[v.From:], put)
		return head
	}
	return splice(head, JSON, bodyLen, v.From, v.To, put)
}

// WithExt returns the prefix and header of a frame with another value for one ext field that it has already;
// the body, bodyLen bytes, follows unchanged. head is the frame's prefix and header. ok is false when the field is
// not there.
func WithExt(head []byte, h *Header, bodyLen int, key, value string) (out []byte, ok bool) {
	raw := head[PrefixLen:]
	at, end, ok := h.extAt(raw, key)
	if !ok {
		return nil, false
	}
	var put []byte
	if h.Encoding == Binary {
		put = append(binary.BigEndian.AppendUint32(nil, uint32(len(value))), value...)
	} else {
		put = AppendJSONString(nil, value)
	}
	out = splice(head, h.Encoding, bodyLen, at, end, put)
	if h.Encoding == Binary {
		lenAt := PrefixLen + int(h.extOff) - 4
		binary.BigEndian.PutUint32(out[lenAt:], uint32(int(h.extEnd-h.extOff)+len(put)-(end-at)))
	}
	return out, true
}

// WithMoreExt is WithExt for a field that a JSON header may not have yet. ok is false when it has no ext fields at all.
func WithMoreExt(head []byte, h *Header, bodyLen int, key, value string) (out []byte, ok bool) {
	if out, ok = WithExt(head, h, bodyLen, key, value); ok || h.Encoding != JSON || h.extOff == h.extEnd {
		return out, ok
	}
	raw := head[PrefixLen:]
	put := []byte{}
	if !isEmptyObject(raw[h.extOff:h.extEnd]) {
		put = append(put, ',')
	}
	put = AppendJSONString(append(AppendJSONString(put, key), ':'), value)
	return splice(head, JSON, bodyLen, int(h.extEnd)-1, int(h.extEnd)-1, put), true
}

func isEmptyObject(object []byte) bool { return len(bytes.TrimSpace(object[1:len(object)-1])) == 0 }

// extAt finds the value of an ext field in raw: in JSON with its quotes, if any, else with its length before it.
func (h *Header) extAt(raw []byte, key string) (at, end int, ok bool) {
	ext, from := raw[h.extOff:h.extEnd], int(h.extOff)
	if h.Encoding == JSON {
		_, v, ok := findJSON(ext, key)
		return from + v.From, from + v.To, ok
	}
	walkBinaryExt(ext, func(k, v []byte, lenOff int) bool {
		if string(k) == key {
			at, end, ok = from+lenOff, from+lenOff+4+len(v), v != nil
		}
		return true
	})
	return at, end, ok
}

// splice makes another prefix and header, in which put stands in the place of header bytes [at, end). bodyLen bytes follow.
func splice(head []byte, enc Encoding, bodyLen, at, end int, put []byte) []byte {
	out := make([]byte, 0, len(head)+len(put)-(end-at))
	out = append(append(append(out, head[:PrefixLen+at]...), put...), head[PrefixLen+end:]...)
	putPrefix(out, len(out)-PrefixLen, bodyLen, enc)
	return out
}

func scanWhole(frame []byte) (Prefix, *Header, error) {
	if len(frame) < PrefixLen {
		return Prefix{}, nil, badFrame("%d bytes are not a frame", len(frame))
	}
	p, err := ReadPrefix(frame, Limits{MaxFrame: len(frame), MaxHeader: len(frame)})
	if err != nil {
		return p, nil, err
	}
	h := new(Header)
	return p, h, h.Scan(frame[PrefixLen:p.BodyOff()], p.Encoding)
}
