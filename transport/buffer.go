package transport

import (
	"math/bits"
	"sync"
)

// Buffers come in powers of two from 4 KiB to 256 KiB; longer ones, for headers beyond that, are not kept.
const (
	minBufferBits = 12
	maxBufferBits = 18
	minBuffer     = 1 << minBufferBits
	maxBuffer     = 1 << maxBufferBits
)

var buffers [maxBufferBits - minBufferBits + 1]sync.Pool

func bufferClass(n int) int { return max(bits.Len(uint(n-1)), minBufferBits) - minBufferBits }

// getBuffer returns a buffer of at least n bytes; its length is its capacity.
func getBuffer(n int) []byte {
	class := bufferClass(n)
	if class >= len(buffers) {
		return make([]byte, n)
	}
	if b, ok := buffers[class].Get().(*[]byte); ok {
		return *b
	}
	return make([]byte, minBuffer<<class)
}

func putBuffer(b []byte) {
	b = b[:cap(b)]
	class := bufferClass(len(b))
	if class < len(buffers) && len(b) == minBuffer<<class {
		buffers[class].Put(&b)
	}
}
