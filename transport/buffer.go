package transport

import (
	"math/bits"
	"sync"
	"unsafe"
)

// Buffers come in powers of two from 4 KiB to 1 MiB, the default limit of headers; longer ones are not kept.
const (
	minBufferBits = 12
	maxBufferBits = 20
	minBuffer     = 1 << minBufferBits
	maxBuffer     = 1 << maxBufferBits
)

// buffers are kept by their first byte: a pointer goes into a pool without an allocation, a slice does not.
var buffers [maxBufferBits - minBufferBits + 1]sync.Pool

func bufferClass(n int) int { return max(bits.Len(uint(n-1)), minBufferBits) - minBufferBits }

// getBuffer returns a buffer of at least n bytes; its length is its capacity.
func getBuffer(n int) []byte {
	class := bufferClass(n)
	if class >= len(buffers) {
		return make([]byte, n)
	}
	if first, ok := buffers[class].Get().(*byte); ok {
		return unsafe.Slice(first, minBuffer<<class)
	}
	return make([]byte, minBuffer<<class)
}

func putBuffer(b []byte) {
	b = b[:cap(b)]
	class := bufferClass(len(b))
	if class < len(buffers) && len(b) == minBuffer<<class {
		buffers[class].Put(unsafe.SliceData(b))
	}
}

// maxReadSize: a read of 64 KiB takes longer to copy than to call; more buys nothing and costs memory.
const maxReadSize = 64 << 10

// readSizer adapts the size of a connection's next buffer to what its peer has been sending. A buffer is held only
// while its bytes are on their way, so one that is too large costs nothing, and one that is too small another pair of
// system calls: it grows at once, and shrinks only after many reads that would have done with less.
type readSizer struct {
	size  int32 // bytes
	small int32 // such reads in a row
}

// fit has the next buffers be no larger than the lists of their frames may be that are used again, given a chunk of n bytes.
// A longer list is made for one chunk only, and of the smallest frames it takes nine times the bytes.
func (r *readSizer) fit(n, frames int) {
	if frames*maxReadSize > n*maxPooledFrames {
		most := bits.Len(uint(n/frames*maxPooledFrames)) - 1
		r.size = min(r.size, int32(max(1<<most, minBuffer)))
	}
}

// smallReads is how many small reads it takes: more than the acknowledgements that come between two pulls or pops.
const smallReads = 64

// next is the size of the next buffer, after n bytes came where there was room.
func (r *readSizer) next(n, room int) {
	switch {
	case n == room:
		r.size, r.small = min(r.size*2, maxReadSize), 0
	case n >= int(r.size/4):
		r.small = 0
	case r.small < smallReads:
		r.small++
	default:
		r.size, r.small = max(r.size/2, minBuffer), 0
	}
}
