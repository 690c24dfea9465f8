package codec

import (
	"encoding/binary"
	"strconv"
)

// WithOpaque returns a copy of a whole frame with another opaque. Everything else stays to the byte.
func WithOpaque(frame []byte, opaque int32) ([]byte, error) {
	p, h, err := scanWhole(frame)
	if err != nil {
		return nil, err
	}
	raw := frame[PrefixLen:p.BodyOff()]
	if p.Encoding == Binary {
		out := append([]byte(nil), frame...)
		binary.BigEndian.PutUint32(out[PrefixLen+5:], uint32(opaque))
		return out, nil
	}
	if h.NoOpaque {
		return nil, badFrame("the header has no opaque to change")
	}
	_, v, _ := findJSON(raw, "opaque")
	return splice(frame, p, v.From, v.To, strconv.AppendInt(nil, int64(opaque), 10)), nil
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
	p := Prefix{Size: len(head) + bodyLen, HeaderLen: len(raw), Encoding: h.Encoding}
	out = splice(head, p, at, end, put)
	if h.Encoding == Binary {
		lenAt := PrefixLen + int(h.extOff) - 4
		binary.BigEndian.PutUint32(out[lenAt:], uint32(int(h.extEnd-h.extOff)+len(put)-(end-at)))
	}
	return out, true
}

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

// splice replaces header bytes [at, end) by put and corrects the lengths of the prefix.
func splice(b []byte, p Prefix, at, end int, put []byte) []byte {
	grow := len(put) - (end - at)
	out := make([]byte, 0, len(b)+grow)
	out = append(append(append(out, b[:PrefixLen+at]...), put...), b[PrefixLen+end:]...)
	putPrefix(out, p.HeaderLen+grow, p.Size-PrefixLen-p.HeaderLen, p.Encoding)
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
