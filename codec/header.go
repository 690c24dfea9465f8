package codec

import "bytes"

// Flag bits (RemotingCommand.java#RPC_TYPE, #RPC_ONEWAY).
const (
	FlagResponse = 1 << 0
	FlagOneway   = 1 << 1
)

// Header is what the scanner found. It holds no bytes: Ext needs the same header bytes again.
type Header struct {
	Code     int32
	Flag     int32
	Opaque   int32
	Version  int32 // ordinal of MQVersion.java, see version.go
	Language Language
	Encoding Encoding
	// NoOpaque is set when the header names no opaque. A Java peer then makes one up, so nobody can match the answer.
	NoOpaque bool
	// Known only of a header that Layouts have met, which makes Ext cheap.
	spots          [spotKinds]spot
	extOff, extEnd int32 // JSON: the object with its braces; binary: the pairs; equal: no ext fields
}

// spot is where the value of an ext field stands; in JSON without its quotes.
type spot struct {
	key      uint8 // in spotKeys, counted from 1; 0: it is not known
	off, end uint16
}

// IsResponse reports whether this is an answer, not a request.
func (h *Header) IsResponse() bool { return h.Flag&FlagResponse != 0 }

// IsOneway reports whether no answer is expected.
func (h *Header) IsOneway() bool { return h.Flag&FlagOneway != 0 }

// Scan fills h from header bytes, without the prefix. Nothing of raw is kept.
func (h *Header) Scan(raw []byte, enc Encoding) error {
	*h = Header{Encoding: enc}
	if enc == Binary {
		return h.scanBinary(raw)
	}
	return h.scanJSON(raw)
}

// ExpectsResponse reports whether somebody waits for an answer to this frame and can tell that it is one: false for
// answers, for oneway requests and for requests without an opaque.
func (h *Header) ExpectsResponse() bool { return h.Flag&(FlagResponse|FlagOneway) == 0 && !h.NoOpaque }

// Ext finds one ext field in raw, the bytes that Scan was given. It returns the field's value as it stands in raw
// where possible; only a JSON value with escapes is a copy. Of a key that stands twice the last counts, as for Java; a
// field whose value is null (in a ROCKETMQ header: empty) is not there.
func (h *Header) Ext(raw []byte, key string) (value []byte, ok bool) {
	for i := range h.spots {
		if s := &h.spots[i]; s.key > 0 && spotKeys[s.key-1] == key {
			if value = raw[s.off:s.end]; bytes.IndexByte(value, '\\') < 0 && len(value) > 0 {
				return value, true
			}
		}
	}
	ext := raw[h.extOff:h.extEnd]
	if h.Encoding == JSON {
		s, v, ok := findJSON(ext, key)
		if !ok {
			return nil, false
		}
		return s.Contents(v), true
	}
	walkBinaryExt(ext, func(k, v []byte, _ int) bool {
		if string(k) == key {
			value, ok = v, v != nil
		}
		return true
	})
	return value, ok
}

// ExtString is Ext as a string, "" when the field is absent.
func (h *Header) ExtString(raw []byte, key string) string {
	v, _ := h.Ext(raw, key)
	return string(v)
}

// ExtFields yields the ext fields in the order of the wire. Keys and values may point into raw. A nil value is null,
// which undoes an earlier value of the same key. Numbers and booleans are yielded as their text, as Java takes them.
func (h *Header) ExtFields(raw []byte) func(yield func(key, value []byte) bool) {
	return func(yield func(key, value []byte) bool) {
		ext := raw[h.extOff:h.extEnd]
		if h.Encoding == Binary {
			walkBinaryExt(ext, func(k, v []byte, _ int) bool { return yield(k, v) })
			return
		}
		walkJSONExt(ext, yield)
	}
}
