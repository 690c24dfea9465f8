package translate

import "encoding/binary"

// appendBatch appends messages as the body of a 320 (MessageDecoder.java#encodeMessage). Topic, queue and flags are the
// request's.
func appendBatch(dst []byte, messages []publication) []byte {
	for i := range messages {
		m := &messages[i]
		dst = binary.BigEndian.AppendUint32(dst, uint32(22+len(m.body)+len(m.properties)))
		dst = append(dst, make([]byte, 12)...) // magic, CRC, flag
		dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(m.body))), m.body...)
		dst = append(binary.BigEndian.AppendUint16(dst, uint16(len(m.properties))), m.properties...)
	}
	return dst
}
