package codec

import (
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
)

// Command is a whole command, decoded.
type Command struct {
	Code     int32
	Language Language
	Version  int32
	Opaque   int32
	Flag     int32
	Remark   string
	Ext      map[string]string // nil: none
	Body     []byte
}

// IsResponse reports whether this is an answer, not a request.
func (c *Command) IsResponse() bool { return c.Flag&FlagResponse != 0 }

// IsOneway reports whether no answer is expected.
func (c *Command) IsOneway() bool { return c.Flag&FlagOneway != 0 }

// Append appends the command as a frame in the given encoding. A code beyond 16 bits cannot travel in a ROCKETMQ
// header (the pop family, 2000xx) and is written as JSON, which every peer reads.
func (c *Command) Append(dst []byte, enc Encoding) []byte {
	if c.Code != int32(int16(c.Code)) {
		enc = JSON
	}
	start := len(dst)
	dst = append(dst, make([]byte, PrefixLen)...)
	if enc == Binary {
		dst = c.appendBinaryHeader(dst)
	} else {
		dst = c.appendJSONHeader(dst)
	}
	putPrefix(dst[start:], len(dst)-start-PrefixLen, len(c.Body), enc)
	return append(dst, c.Body...)
}

// appendJSONHeader writes keys in the order of Java's writer: sorted.
func (c *Command) appendJSONHeader(dst []byte) []byte {
	dst = strconv.AppendInt(append(dst, `{"code":`...), int64(c.Code), 10)
	if c.Ext != nil {
		dst = append(dst, `,"extFields":{`...)
		for i, k := range slices.Sorted(maps.Keys(c.Ext)) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(AppendJSONString(dst, k), ':')
			dst = AppendJSONString(dst, c.Ext[k])
		}
		dst = append(dst, '}')
	}
	dst = strconv.AppendInt(append(dst, `,"flag":`...), int64(c.Flag), 10)
	dst = append(append(append(dst, `,"language":"`...), c.Language.String()...), '"')
	dst = strconv.AppendInt(append(dst, `,"opaque":`...), int64(c.Opaque), 10)
	if c.Remark != "" {
		dst = AppendJSONString(append(dst, `,"remark":`...), c.Remark)
	}
	dst = append(dst, `,"serializeTypeCurrentRPC":"JSON","version":`...)
	return append(strconv.AppendInt(dst, int64(c.Version), 10), '}')
}

func (c *Command) appendBinaryHeader(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(c.Code))
	dst = append(dst, byte(c.Language))
	dst = binary.BigEndian.AppendUint16(dst, uint16(c.Version))
	dst = binary.BigEndian.AppendUint32(dst, uint32(c.Opaque))
	dst = binary.BigEndian.AppendUint32(dst, uint32(c.Flag))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(c.Remark)))
	dst = append(dst, c.Remark...)
	extLen := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	for _, k := range slices.Sorted(maps.Keys(c.Ext)) {
		dst = append(binary.BigEndian.AppendUint16(dst, uint16(len(k))), k...)
		dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(c.Ext[k]))), c.Ext[k]...)
	}
	binary.BigEndian.PutUint32(dst[extLen:], uint32(len(dst)-extLen-4))
	return dst
}

// Decode decodes one whole frame. The command's Body points into frame; everything else is copied.
func Decode(frame []byte, lim Limits) (*Command, Encoding, error) {
	if len(frame) < PrefixLen {
		return nil, JSON, badFrame("%d bytes are not a frame", len(frame))
	}
	p, err := ReadPrefix(frame, lim)
	if err != nil {
		return nil, JSON, err
	}
	if len(frame) != p.Size {
		return nil, p.Encoding, badFrame("%d bytes do not make a frame of length %d", len(frame), p.Size-4)
	}
	raw := frame[PrefixLen:p.BodyOff()]
	var h Header
	if err := h.Scan(raw, p.Encoding); err != nil {
		return nil, p.Encoding, err
	}
	c := &Command{
		Code: h.Code, Language: h.Language, Version: h.Version, Opaque: h.Opaque, Flag: h.Flag,
		Remark: h.Remark(raw), Body: frame[p.BodyOff():],
	}
	for k, v := range h.ExtFields(raw) {
		if v == nil {
			delete(c.Ext, string(k))
			continue
		}
		if c.Ext == nil {
			c.Ext = make(map[string]string, 16)
		}
		c.Ext[string(k)] = string(v)
	}
	return c, p.Encoding, nil
}

// Remark reads the remark from raw, the bytes that Scan was given; "" when there is none.
func (h *Header) Remark(raw []byte) string {
	if h.Encoding == Binary {
		n := int(binary.BigEndian.Uint32(raw[binaryRemarkOff:]))
		return string(raw[binaryRemarkOff+4 : binaryRemarkOff+4+n])
	}
	s, remark, ok := findJSON(raw, "remark")
	if !ok {
		return ""
	}
	return string(s.Contents(remark))
}

// ReadCommand reads one frame from r. It allocates as bytes arrive, never by what a length field claims.
// The error is io.EOF only at a frame boundary.
func ReadCommand(r io.Reader, lim Limits) (*Command, Encoding, error) {
	var prefix [PrefixLen]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, JSON, err
	}
	p, err := ReadPrefix(prefix[:], lim)
	if err != nil {
		return nil, JSON, err
	}
	frame := make([]byte, PrefixLen, min(p.Size, 64<<10))
	copy(frame, prefix[:])
	for len(frame) < p.Size {
		n := min(p.Size-len(frame), max(len(frame), 64<<10))
		frame = slices.Grow(frame, n)
		m, err := io.ReadAtLeast(r, frame[len(frame):len(frame)+n], 1)
		if err != nil {
			return nil, p.Encoding, fmt.Errorf("cannot read a frame of %d bytes after %d: %w", p.Size, len(frame), io.ErrUnexpectedEOF)
		}
		frame = frame[:len(frame)+m]
	}
	return Decode(frame, lim)
}

// Answer makes an empty response to a request with this header.
func (h *Header) Answer(code int32, remark string) *Command {
	return &Command{Code: code, Language: Java, Version: Version5_5_0, Opaque: h.Opaque, Flag: FlagResponse, Remark: remark}
}

// Answer makes an empty response to c.
func (c *Command) Answer(code int32, remark string) *Command {
	return &Command{Code: code, Language: Java, Version: Version5_5_0, Opaque: c.Opaque, Flag: FlagResponse, Remark: remark}
}
