package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// ringLoop is one loop that does everything in rounds, through a ring of the given flags.
func ringLoop(t *testing.T, flags uint32) *Loops {
	t.Helper()
	loops, err := NewLoops(1, codec.Limits{}, 0, 0, time.Second, WithoutIOUring())
	require.NoError(t, err)
	t.Cleanup(loops.Close)
	l := loops.loops[0]
	ready := make(chan error)
	l.Schedule(func() {
		r, err := newRing(flags)
		if err == nil {
			r.fewest = 1
			l.ring, l.many = r, 1
			loops.ringFault.Store(nil)
		}
		ready <- err
	})
	if err := <-ready; err != nil {
		t.Skipf("no such ring here: %v", err)
	}
	return loops
}

func onRingLoops(t *testing.T, test func(t *testing.T, loops *Loops)) {
	for name, flags := range kernels {
		t.Run(name, func(t *testing.T) { test(t, ringLoop(t, flags)) })
	}
}

// sinkFunc is a Sink. It is called on the loop.
type sinkFunc func(event any)

func (f sinkFunc) Deliver(event any) { f(event) }

// watched is a started connection with what it has brought.
type watched struct {
	conn   Conn
	peer   *net.TCPConn
	got    []byte // on the loop
	closed error
	hook   func() // once, before the first chunk is looked at
}

func watch(t *testing.T, loops *Loops) *watched {
	w := &watched{}
	ln, err := loops.Listen("127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	arrivals := make(channelSink, 1)
	ln.Accept(arrivals)
	peer, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { peer.Close() })
	w.peer, w.conn = peer.(*net.TCPConn), arrivals.next(t).(*Accepted).Conn
	onLoop(w.conn, func() { w.conn.Start(sinkFunc(w.event)) })
	return w
}

func (w *watched) event(event any) {
	switch m := event.(type) {
	case *Chunk:
		if hook := w.hook; hook != nil {
			w.hook = nil
			hook()
		}
		w.got = append(w.got, m.B...)
		m.Release()
	case *Closed:
		w.closed = m.Err
	}
}

// onFirst has the loop call hook when the first chunk comes.
func (w *watched) onFirst(hook func()) { onLoop(w.conn, func() { w.hook = hook }) }

// await waits until cond, which runs on the loop.
func (w *watched) await(t *testing.T, cond func() bool) {
	t.Helper()
	require.Eventually(t, func() (ok bool) {
		onLoop(w.conn, func() { ok = cond() })
		return ok
	}, 30*time.Second, time.Millisecond)
}

// inOneRound has the loop find all that prepare does in one wait.
func inOneRound(c Conn, prepare func()) {
	entered, done := make(chan struct{}), make(chan struct{})
	go c.Executor().Schedule(func() {
		close(entered)
		<-done
	})
	<-entered
	prepare()
	close(done)
}

// two are two connections of one loop, each of which does something to the other when its bytes are delivered; only the
// first of them does. The other's bytes have been received by then.
func two(t *testing.T, loops *Loops, do func(other *watched)) (first, other *watched) {
	pair := []*watched{watch(t, loops), watch(t, loops)}
	hook := func(mine, theirs *watched) func() {
		return func() {
			if theirs.hook != nil {
				first, other = mine, theirs
				theirs.hook = nil
				do(theirs)
			}
		}
	}
	pair[0].onFirst(hook(pair[0], pair[1]))
	pair[1].onFirst(hook(pair[1], pair[0]))
	inOneRound(pair[0].conn, func() {
		for _, w := range pair {
			_, err := w.peer.Write(sharedFrame)
			require.NoError(t, err)
		}
	})
	pair[0].await(t, func() bool { return first != nil })
	return first, other
}

// What the round has received of a connection is no longer in its socket. A process that took the socket would lose it.
func TestDetachDuringARound(t *testing.T) {
	onRingLoops(t, func(t *testing.T, loops *Loops) {
		var fault error
		_, other := two(t, loops, func(other *watched) { _, fault = Detach(other.conn) })
		require.ErrorIs(t, fault, ErrMidFrame)
		other.await(t, func() bool { return bytes.Equal(other.got, sharedFrame) })
		fd, err := detach(other.conn)
		require.NoError(t, err)
		unix.Close(fd)
	})
}

// When writing fails the rest is read, but first comes what the round had received before.
func TestWritingFailsDuringARound(t *testing.T) {
	onRingLoops(t, func(t *testing.T, loops *Loops) {
		second := (&codec.Command{Code: codec.ReqHeartBeat, Opaque: 2, Body: []byte("another body")}).Append(nil, codec.JSON)
		_, other := two(t, loops, func(other *watched) {
			_, err := other.peer.Write(second)
			assert.NoError(t, err)
			assert.NoError(t, unix.Shutdown(other.conn.(*loopConn).fd, unix.SHUT_WR))
			other.conn.Write(make([]byte, largestPost+1), nil)
		})
		other.await(t, func() bool { return other.closed != nil })
		require.ErrorIs(t, other.closed, syscall.EPIPE)
		require.Equal(t, append(bytes.Clone(sharedFrame), second...), other.got)
	})
}

// A connection that is closed in the middle of a round gets nothing of it, and its buffer is given back once.
func TestCloseDuringARound(t *testing.T) {
	onRingLoops(t, func(t *testing.T, loops *Loops) {
		_, other := two(t, loops, func(other *watched) { other.conn.Close() })
		onLoop(other.conn, func() {})
		require.Empty(t, other.got)
		require.NoError(t, other.closed)
		_, err := other.peer.Read(make([]byte, 1))
		require.Error(t, err)
	})
}

// watchSends counts sends that are too early: together with another one of the connection, or behind what did not fit.
func watchSends(l *loop) (wrong *int) {
	wrong = new(int)
	l.Schedule(func() {
		l.ring.enter = func(submit, await int, flags uint32) (int, syscall.Errno) {
			seen := map[int32]bool{}
			for i := range submit {
				c := &l.ring.calls[(l.ring.tail-uint32(submit-i))&l.ring.sqMask]
				if c.op == opSend && (seen[c.fd] || l.conns[c.fd].kept > 0) {
					*wrong++
				}
				seen[c.fd] = true
			}
			return l.ring.enterKernel(submit, await, flags)
		}
	})
	return wrong
}

// In a round, one write of a connection is sent at a time: the next one waits for how it ends. So nothing overtakes what
// did not fit, however the writes are cut.
func TestWritesOfARoundKeepTheirOrder(t *testing.T) {
	onRingLoops(t, func(t *testing.T, loops *Loops) {
		random := rand.New(rand.NewPCG(1, 2))
		var conns []*watched
		var want [][]byte
		for range 5 {
			conns, want = append(conns, watch(t, loops)), append(want, nil)
		}
		wrong := watchSends(loops.loops[0])
		written := make(chan struct{})
		conns[0].onFirst(func() {
			for n := range 1000 {
				i := random.IntN(len(conns))
				b := bytes.Repeat(binary.BigEndian.AppendUint32(nil, uint32(n)), 1+random.IntN(largestPost/2))
				want[i] = append(want[i], b...)
				conns[i].conn.Write(b, nil)
			}
			close(written)
		})
		_, err := conns[0].peer.Write(sharedFrame)
		require.NoError(t, err)
		<-written
		onLoop(conns[0].conn, func() {})
		for i, w := range conns {
			got := make([]byte, len(want[i]))
			require.NoError(t, w.peer.SetReadDeadline(time.Now().Add(30*time.Second)))
			_, err := io.ReadFull(w.peer, got)
			require.NoError(t, err)
			require.True(t, bytes.Equal(want[i], got), "other bytes came than were written")
		}
		onLoop(conns[0].conn, func() { assert.Zero(t, *wrong) })
	})
}

// An owner that asks for what is kept, or ends a connection, in the round in which it was written finds it as without rounds.
func TestEndsOfARoundsWrites(t *testing.T) {
	owner := func(conn Conn) *Chunk {
		ch := &Chunk{B: []byte("the last words"), source: conn.(source)}
		ch.refs.Store(1)
		return ch
	}
	for name, c := range map[string]struct {
		end func(t *testing.T, c Conn)
		err error // of the peer's read
	}{
		"closed":  {end: func(_ *testing.T, c Conn) { c.Close() }, err: io.ErrUnexpectedEOF},
		"reset":   {end: func(_ *testing.T, c Conn) { Reset(c) }, err: syscall.ECONNRESET},
		"dropped": {end: func(_ *testing.T, c Conn) { Drop(c) }, err: syscall.ECONNRESET},
		"detached": {err: io.ErrUnexpectedEOF, end: func(t *testing.T, c Conn) {
			c.(*loopConn).handed = 0 // the chunk that has brought us here
			fd, err := Detach(c)
			assert.NoError(t, err)
			unix.Close(fd)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			onRingLoops(t, func(t *testing.T, loops *Loops) {
				w := watch(t, loops)
				ch := owner(w.conn)
				w.onFirst(func() {
					w.conn.Write(ch.B, ch)
					assert.Equal(t, 2, Refs(ch), "it waits for the end of the round")
					c.end(t, w.conn)
					assert.Equal(t, 1, Refs(ch))
				})
				_, err := w.peer.Write(sharedFrame)
				require.NoError(t, err)
				require.NoError(t, w.peer.SetReadDeadline(time.Now().Add(30*time.Second)))
				got := make([]byte, 100)
				n, err := io.ReadFull(w.peer, got)
				require.Equal(t, "the last words", string(got[:n]))
				require.ErrorIs(t, err, c.err)
			})
		})
	}
}

// A round may write to more connections than the ring takes calls.
func TestManyWritesInARound(t *testing.T) {
	onRingLoops(t, func(t *testing.T, loops *Loops) {
		var conns []*watched
		for range ringSize + 10 {
			conns = append(conns, watch(t, loops))
		}
		conns[0].onFirst(func() {
			for _, w := range conns {
				w.conn.Write([]byte("one"), nil)
				w.conn.Write([]byte("two"), nil)
			}
		})
		_, err := conns[0].peer.Write(sharedFrame)
		require.NoError(t, err)
		for _, w := range conns {
			got := make([]byte, 6)
			require.NoError(t, w.peer.SetReadDeadline(time.Now().Add(30*time.Second)))
			_, err := io.ReadFull(w.peer, got)
			require.NoError(t, err)
			require.Equal(t, "onetwo", string(got))
		}
	})
}

// Kept says what did not fit, also of writes of the same round: who has written and is to go looks there first.
func TestKeptDuringARound(t *testing.T) {
	const writes = ringSize / 2
	onRingLoops(t, func(t *testing.T, loops *Loops) {
		w := watch(t, loops)
		wrong := watchSends(loops.loops[0])
		kept := make(chan int, 1)
		w.onFirst(func() {
			assert.NoError(t, unix.SetsockoptInt(w.conn.(*loopConn).fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1))
			for range writes { // more than the socket takes, and not more than is posted at a time
				w.conn.Write(make([]byte, largestPost), nil)
			}
			kept <- w.conn.Kept()
		})
		_, err := w.peer.Write(sharedFrame)
		require.NoError(t, err)
		require.Positive(t, <-kept)
		n, err := io.CopyN(io.Discard, w.peer, writes*largestPost)
		require.NoError(t, err, n)
		onLoop(w.conn, func() { assert.Zero(t, *wrong) })
	})
}

// A socket that is read in large pieces is read and written at once: several such buffers would leave the cache before they
// are written.
func TestLargeReadsGoPastTheRing(t *testing.T) {
	loops := ringLoop(t, 0)
	w, l := watch(t, loops), loops.loops[0]
	var large atomic.Int32
	l.Schedule(func() {
		l.ring.enter = func(submit, await int, flags uint32) (int, syscall.Errno) {
			if l.ring.calls[(l.ring.tail-1)&l.ring.sqMask].len > largestRead {
				large.Add(1)
			}
			return l.ring.enterKernel(submit, await, flags)
		}
	})
	body := (&codec.Command{Code: codec.ReqHeartBeat, Opaque: 1, Body: make([]byte, 4<<20)}).Append(nil, codec.JSON)
	_, err := w.peer.Write(body)
	require.NoError(t, err)
	w.await(t, func() bool { return len(w.got) == len(body) })
	require.Greater(t, w.conn.(*loopConn).sizer.size, int32(largestRead))
	require.Zero(t, large.Load())
}

// A ring that stops working is given up, once, and no byte is lost or sent twice.
func TestRingFailsUnderTraffic(t *testing.T) {
	for _, after := range []int{0, 1, 2, 101} {
		onRingLoops(t, func(t *testing.T, loops *Loops) {
			var failures []error // on the loop
			loops.rings.failed = func(err error) { failures = append(failures, err) }
			l := loops.loops[0]
			l.Schedule(func() {
				entered, through := 0, l.ring.enter
				l.ring.enter = func(submit, await int, flags uint32) (int, syscall.Errno) {
					if entered++; entered > after {
						return 0, syscall.ENXIO
					}
					return through(submit, await, flags)
				}
			})
			w := watch(t, loops)
			onLoop(w.conn, func() {
				w.conn.(*loopConn).sink = sinkFunc(func(event any) {
					if ch, ok := event.(*Chunk); ok {
						w.conn.Write(ch.B, ch)
						ch.Release()
					}
				})
			})
			require.NoError(t, w.peer.SetDeadline(time.Now().Add(30*time.Second)))
			for range 60 { // two calls each
				_, err := w.peer.Write(sharedFrame)
				require.NoError(t, err)
				got := make([]byte, len(sharedFrame))
				_, err = io.ReadFull(w.peer, got)
				require.NoError(t, err)
				require.Equal(t, sharedFrame, got)
			}
			onLoop(w.conn, func() {
				assert.Nil(t, l.ring)
				assert.Len(t, failures, 1)
				assert.ErrorIs(t, errors.Join(failures...), syscall.ENXIO)
			})
			require.ErrorIs(t, IOUring(loops), syscall.ENXIO)
		})
	}
}
