package transport

import "github.com/rocketmq-proxy/rocketmq-proxy/codec"

// The beginning of a frame whose header is incomplete waits in a buffer of its own, in front of what is read next, and
// is presented to the splitter only when the header is complete. So a header that comes byte by byte costs a system call
// for each, as any other byte does, and a copy each time that the buffer doubles: the work grows with the bytes, not with
// their square.

// carryOver moves the start of a frame to a buffer of its own, so that the chunk's can go as soon as the chunk is done.
// Buffers grow with the bytes that have arrived, never by what a length field claims.
func carryOver(tail []byte, readSize int) []byte {
	buf := getBuffer(max(readSize, 2*len(tail)))
	copy(buf, tail)
	return buf
}

// waitsForMore reports that b, which begins at a frame boundary, is a part of a header. Bytes that are malformed are no
// part of any: the splitter says why.
func waitsForMore(b []byte, limits codec.Limits) bool {
	if len(b) < codec.PrefixLen {
		return true
	}
	p, err := codec.ReadPrefix(b, limits)
	return err == nil && p.BodyOff() > len(b)
}

// withRoom returns buf, of which n bytes are good, if there is room behind them, else a larger one in its place.
func withRoom(buf []byte, n int) []byte {
	if n < len(buf) {
		return buf
	}
	larger := carryOver(buf[:n], 0)
	putBuffer(buf)
	return larger
}
