package transport

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// dribbled is a connection that a test feeds byte by byte, without a socket.
type dribbled struct {
	feed   func(b byte) (moved int) // bytes that were copied from one buffer to another for it
	chunks []*Chunk
	held   func() int
}

func (d *dribbled) Deliver(event any) {
	ch, ok := event.(*Chunk)
	if ok && ch.Err != nil {
		defer ch.Release() // its socket stays open until then
		ch = &Chunk{Err: ch.Err}
	}
	if ok {
		d.chunks = append(d.chunks, ch)
	}
}

// feeding places a byte where the next read would, and returns what was carried over to another buffer by that.
func feeding(buf *[]byte, carry *int, take func(), hand func(n int)) func(b byte) int {
	return func(b byte) (moved int) {
		take()
		before := &(*buf)[0]
		(*buf)[*carry] = b
		hand(*carry + 1)
		if *carry > 0 && before != &(*buf)[0] {
			moved = *carry
		}
		return moved
	}
}

func dribbledNet() *dribbled {
	t := &Net{}
	c := t.newConn(nil)
	d := &dribbled{held: func() int { c.mu.Lock(); defer c.mu.Unlock(); c.countLocked(); return int(t.held.bytes.Load()) }}
	c.sink = d
	d.feed = feeding(&c.readBuf, &c.carry, c.takeBuffer, func(n int) { c.hand(n) })
	return d
}

// The cost of a header is linear in its length, however it is cut: 1 MB that comes byte by byte is copied about as often
// as it takes to double a buffer.
func TestDribbledHeaderIsNotCopiedForEachByte(t *testing.T) {
	for name, connect := range dribblers(t) {
		t.Run(name, func(t *testing.T) {
			work := func(header int) (copied int) {
				c := codec.Command{Code: 10, Remark: strings.Repeat("r", header), Body: []byte("body")}
				frame := c.Append(nil, codec.JSON)
				d := connect()
				for _, b := range frame[:len(frame)-len(c.Body)] {
					require.Empty(t, d.chunks)
					copied += d.feed(b)
				}
				require.Len(t, d.chunks, 1)
				ch := d.chunks[0]
				require.Equal(t, frame[:len(frame)-len(c.Body)], ch.B)
				require.Len(t, ch.Frames, 1)
				require.Equal(t, len(c.Body), ch.Rest)
				ch.Release()
				require.Zero(t, d.held())
				return copied
			}
			n, twice := work(300_000), work(600_000)
			require.Positive(t, n)
			require.Less(t, n, 3*300_000)
			require.LessOrEqual(t, float64(twice), 2.2*float64(n))
		})
	}
}

// A part of a header that turns out to be malformed is presented at once.
func TestDribbledNonsenseEndsAtItsPrefix(t *testing.T) {
	for name, connect := range dribblers(t) {
		t.Run(name, func(t *testing.T) {
			d := connect()
			for _, b := range []byte("GET / HT") {
				require.Empty(t, d.chunks)
				d.feed(b)
			}
			require.Len(t, d.chunks, 1)
			require.Error(t, d.chunks[0].Err)
		})
	}
}
