package transport

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Chunk is what one read returned. Who receives it owns one reference and gives it back by Release; Retain adds one.
// Nobody may change B except the first receiver, before it hands any part on.
type Chunk struct {
	B      []byte        // the bytes, up to the last one that is accounted for
	Frames []codec.Frame // the frames that begin in B
	Rest   int           // bytes of the last frame that are still to come; 0: the chunk ends at a frame boundary
	Conn   Conn          // where it was read
	Err    error         // *codec.FrameError: what follows B is not a frame; nothing more is read
	Beyond []byte        // with Err: what was read behind B, which Take may go on with

	refs   atomic.Int32
	buf    []byte // B's storage
	source source
}

// source is a connection that counts what it has handed out.
type source interface {
	Conn
	credit(n int) // a chunk of that size came back
}

// Lead is the number of bytes at the start of B that belong to the frame before.
func (c *Chunk) Lead() int {
	if len(c.Frames) > 0 {
		return c.Frames[0].Off
	}
	return len(c.B)
}

// Head returns prefix and header of a frame.
func (c *Chunk) Head(f *codec.Frame) []byte { return c.B[f.Off:f.BodyOff] }

// RawHeader returns the header bytes of a frame, as Header.Ext wants them.
func (c *Chunk) RawHeader(f *codec.Frame) []byte { return c.B[f.Off+codec.PrefixLen : f.BodyOff] }

// Body returns the part of a frame's body that lies in this chunk.
func (c *Chunk) Body(f *codec.Frame) []byte { return c.B[f.BodyOff:min(f.End, len(c.B))] }

// Retain adds a reference.
func (c *Chunk) Retain() { c.refs.Add(1) }

// Discard is for an event whose receiver is gone.
func (c *Chunk) Discard() { c.Release() }

// Release gives a reference back. With the last one the memory is used again and the source reads on.
func (c *Chunk) Release() {
	n := c.refs.Add(-1)
	if n > 0 {
		return
	}
	if n < 0 {
		panic("BUG: chunk released more often than retained")
	}
	from, size := c.source, c.size()
	if from == nil {
		return // of NewChunk
	}
	putBuffer(c.buf)
	c.B, c.buf, c.Conn, c.Err, c.Beyond, c.source = nil, nil, nil, nil, nil, nil
	if c.Frames = c.Frames[:0]; cap(c.Frames) > maxPooledFrames {
		c.Frames = nil
	}
	chunks.Put(c)
	if from != nil {
		from.credit(size)
	}
}

// WholeFrame makes a chunk of a frame that was read in pieces, or made. h is its header and body where its body begins. No
// source waits for it to come back.
func WholeFrame(frame []byte, h *codec.Header, body int) *Chunk {
	c := chunks.Get().(*Chunk)
	c.refs.Store(1)
	c.B, c.Rest = frame, 0
	c.Frames = append(c.Frames[:0], codec.Frame{BodyOff: body, End: len(frame), Header: *h})
	return c
}

// size is the memory that a chunk keeps, in bytes. The frames count: of the smallest ones, 10 bytes long, the list takes
// several times as much as the bytes.
func (c *Chunk) size() int { return cap(c.buf) + cap(c.Frames)*frameSize }

const frameSize = int(unsafe.Sizeof(codec.Frame{}))

// maxPooledFrames is how long a list is used again for another chunk, which it counts for: as many requests as usually
// fit into the largest read.
const maxPooledFrames = 512

var chunks = sync.Pool{New: func() any { return new(Chunk) }}

// NewChunk makes a chunk of bytes that were not read from a socket, to be written to one. They must not change any more.
func NewChunk(b []byte) *Chunk {
	c := &Chunk{B: b}
	c.refs.Store(1)
	return c
}

// newChunk takes buf, of which n bytes are good, and finds the frames in it. carry is what must come first in the
// next buffer. known are the layouts of the caller.
func newChunk(buf []byte, n int, split *codec.Splitter, known *codec.Layouts, from source) (c *Chunk, carry int) {
	c = chunks.Get().(*Chunk)
	c.refs.Store(1)
	c.buf, c.Conn, c.source = buf, from, from
	var used int
	c.Frames, used, c.Err = split.SplitUsing(known, buf[:n], c.Frames[:0])
	c.B, c.Rest = buf[:used], split.Rest()
	if c.Err != nil {
		c.Beyond = buf[used:n]
	}
	return c, n - used
}
