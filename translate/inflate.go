package translate

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
)

// Kinds of compression in a stored message's sysFlag (CompressionType.java). 0 and 3 are zlib.
const (
	compressionMask  = 0x700
	compressionShift = 8
	compressionLZ4   = 1
	compressionZSTD  = 2
)

// inflate returns a stored body without compression, as no container suits all SDKs. What cannot be inflated, or would be
// too long, stays as it is.
func inflate(m *Stored) (body []byte, plain bool) {
	if m.SysFlag&flagCompressed == 0 {
		return m.Body, true
	}
	body, err := inflated(m.Body, m.SysFlag&compressionMask>>compressionShift)
	if err != nil {
		return m.Body, false
	}
	return body, true
}

func inflated(body []byte, kind int32) ([]byte, error) {
	switch kind {
	case compressionLZ4, compressionZSTD:
		return nil, fmt.Errorf("compression type %d is not supported", kind)
	}
	if bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		return readAll(r, maxInflated)
	}
	r, err := zlib.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return readAll(r, maxInflated)
}
