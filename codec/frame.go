package codec

import (
	"encoding/binary"
	"fmt"
)

// PrefixLen is the number of bytes before the header: total and mark.
const PrefixLen = 8

// DefaultMaxFrame is what Netty's decoder in brokers and clients accepts for total + 4
// (NettyDecoder.java#FRAME_MAX_LENGTH); a longer frame makes them close the connection.
const DefaultMaxFrame = 16 << 20

// DefaultMaxHeader bounds the header. Real ones are below 40 KiB: message properties, at most 32,767 bytes, are the
// largest thing in them.
const DefaultMaxHeader = 1 << 20

// Limits are checked before anything is allocated for a frame. A zero value means the defaults.
type Limits struct {
	MaxFrame  int // bytes of a whole frame, its length field included
	MaxHeader int // bytes of a header
}

func (l Limits) withDefaults() Limits {
	if l.MaxFrame <= 0 {
		l.MaxFrame = DefaultMaxFrame
	}
	if l.MaxHeader <= 0 {
		l.MaxHeader = DefaultMaxHeader
	}
	return l
}

// Encoding is how a header is written. Peers decode by the mark byte of each frame and never negotiate.
type Encoding byte

// The two header encodings (SerializeType.java).
const (
	JSON   Encoding = 0
	Binary Encoding = 1 // called ROCKETMQ by its makers
)

func (e Encoding) String() string {
	if e == Binary {
		return "ROCKETMQ"
	}
	return "JSON"
}

// FrameError says why bytes are not a frame. The stream behind them cannot be read on: close the connection.
type FrameError struct {
	Reason string // "what is wrong: value, limit"
	// LooksLike is the protocol that the bytes look like, one of the LooksLike constants: somebody dialed the wrong port.
	// "" when they look like none. It is safe as a label: there are few, whatever peers send.
	LooksLike string
}

func (e *FrameError) Error() string {
	if e.LooksLike != "" {
		return "malformed frame, looks like " + e.LooksLike + ": " + e.Reason
	}
	return "malformed frame: " + e.Reason
}

func badFrame(format string, args ...any) error {
	return &FrameError{Reason: fmt.Sprintf(format, args...)}
}

// Prefix is what the first eight bytes of a frame say.
type Prefix struct {
	Size      int // bytes of the whole frame, its length field included
	HeaderLen int
	Encoding  Encoding
}

// BodyOff is where the body begins, counted from the first byte of the frame.
func (p Prefix) BodyOff() int { return PrefixLen + p.HeaderLen }

// ReadPrefix reads the first eight bytes of b, which must be there, and checks them against lim.
func ReadPrefix(b []byte, lim Limits) (Prefix, error) {
	lim = lim.withDefaults()
	total := int32(binary.BigEndian.Uint32(b))
	mark := binary.BigEndian.Uint32(b[4:])
	p := Prefix{Size: int(total) + 4, HeaderLen: int(mark & 0xffffff), Encoding: Encoding(mark >> 24)}
	if total < 4 || p.Size > lim.MaxFrame || p.Encoding > Binary || p.HeaderLen > lim.MaxHeader || p.BodyOff() > p.Size {
		return p, &FrameError{p.fault(lim), looksLike(b)}
	}
	return p, nil
}

// fault says what is wrong with a prefix.
func (p Prefix) fault(lim Limits) string {
	total := p.Size - 4
	switch {
	case total < 4:
		return fmt.Sprintf("length %d is below 4, the least there can be", total)
	case p.Size > lim.MaxFrame:
		return fmt.Sprintf("length %d with its own 4 bytes exceeds the limit of %d bytes (limits.max_frame)", total, lim.MaxFrame)
	case p.Encoding > Binary:
		return fmt.Sprintf("unknown header encoding %d (0 is JSON, 1 is ROCKETMQ)", p.Encoding)
	case p.HeaderLen > lim.MaxHeader:
		return fmt.Sprintf("header length %d exceeds the limit of %d bytes (limits.max_header)", p.HeaderLen, lim.MaxHeader)
	default:
		return fmt.Sprintf("header length %d does not fit into a frame of length %d", p.HeaderLen, total)
	}
}

func putPrefix(b []byte, headerLen, bodyLen int, enc Encoding) {
	binary.BigEndian.PutUint32(b, uint32(4+headerLen+bodyLen))
	binary.BigEndian.PutUint32(b[4:], uint32(enc)<<24|uint32(headerLen))
}
