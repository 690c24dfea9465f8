package transport

import (
	"bytes"
	"encoding/binary"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// next returns the next event of a kind and fails after a while.
func next[T any](t *testing.T, e events) T {
	t.Helper()
	for {
		select {
		case event := <-e:
			if want, ok := event.(T); ok {
				return want
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%T has not come", *new(T))
		}
	}
}

// onBoth runs a test on both implementations with a budget.
func onBoth(t *testing.T, budget int, f func(t *testing.T, tr Transport)) {
	t.Run("Net", func(t *testing.T) { f(t, &Net{Budget: budget}) })
	t.Run("Loops", func(t *testing.T) {
		loops, err := NewLoops(1, codec.Limits{}, 0, budget, 0)
		require.NoError(t, err)
		t.Cleanup(loops.Close)
		f(t, loops)
	})
}

// listening opens a listener that accepts into a sink.
func listening(t *testing.T, tr Transport) (Listener, events) {
	ln, err := tr.Listen("127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(ln.Close)
	accepted := make(events, 100)
	ln.Accept(accepted)
	return ln, accepted
}

// joined connects a client and starts its connection; do runs something where the connection may be touched.
func joined(t *testing.T, ln Listener, accepted events, room int) (client net.Conn, c Conn, got events) {
	client, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { client.Close() })
	c = next[*Accepted](t, accepted).Conn
	got = make(events, room)
	do(c, func() { c.Start(got) })
	t.Cleanup(func() { do(c, c.Close) })
	return client, c, got
}

func do(c Conn, f func()) {
	done := make(chan struct{})
	c.Executor().Schedule(func() { f(); close(done) })
	<-done
}

func flow(c Conn) (f Flow) {
	do(c, func() { f = c.Flow() })
	return f
}

// eventually waits for something that the kernel or another goroutine brings about.
func eventually(t *testing.T, cond func() bool) {
	t.Helper()
	require.Eventually(t, cond, 30*time.Second, time.Millisecond)
}

// The system refuses connections to a paused listener; it goes on at the same port.
func TestPausedListener(t *testing.T) {
	onBoth(t, 0, func(t *testing.T, tr Transport) {
		ln, accepted := listening(t, tr)
		inside, c, got := joined(t, ln, accepted, 10)
		for range 3 {
			require.NoError(t, ln.SetPaused(true))
			require.NoError(t, ln.SetPaused(true))
			_, err := net.Dial("tcp", ln.Addr().String())
			require.ErrorIs(t, err, syscall.ECONNREFUSED)

			require.NoError(t, ln.SetPaused(false))
			_, _, _ = joined(t, ln, accepted, 10)
		}
		_, err := inside.Write(frame(t, "inside"))
		require.NoError(t, err)
		do(c, next[*Chunk](t, got).Release)
		select {
		case event := <-accepted:
			t.Fatalf("%T is not expected", event)
		default:
		}
	})
}

// A listener may be closed while it is paused.
func TestCloseWhilePaused(t *testing.T) {
	onBoth(t, 0, func(t *testing.T, tr Transport) {
		ln, _ := listening(t, tr)
		require.NoError(t, ln.SetPaused(true))
		ln.Close()
		require.NoError(t, ln.SetPaused(false))
		_, err := net.Dial("tcp", ln.Addr().String())
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	})
}

func frame(t *testing.T, body string) []byte {
	t.Helper()
	c := codec.Command{Code: codec.ReqSendMessage, Body: []byte(body)}
	return c.Append(nil, codec.JSON)
}

// What has come of a header is reported until the rest comes.
func TestFlowOfAPartialHeader(t *testing.T) {
	onBoth(t, 0, func(t *testing.T, tr Transport) {
		ln, accepted := listening(t, tr)
		client, c, got := joined(t, ln, accepted, 10)
		require.Zero(t, flow(c))

		whole := frame(t, "")
		client.Write(whole[:7])
		eventually(t, func() bool { return flow(c).Partial == 7 })
		client.Write(whole[7:])
		ch := next[*Chunk](t, got)
		require.Len(t, ch.Frames, 1)
		do(c, ch.Release)
		require.Zero(t, flow(c).Partial)
	})
}

// While a peer takes nothing Drained stands still; every byte that it takes moves it.
func TestFlowOfASlowReader(t *testing.T) {
	onBoth(t, 0, func(t *testing.T, tr Transport) {
		ln, accepted := listening(t, tr)
		client, c, got := joined(t, ln, accepted, 10)
		do(c, func() { c.Write(bytes.Repeat([]byte{'x'}, 16<<20), nil) })
		before := flow(c)
		require.Positive(t, before.Kept)

		buf := make([]byte, 8<<20)
		for n := 0; n < len(buf); {
			m, err := client.Read(buf)
			require.NoError(t, err)
			n += m
		}
		eventually(t, func() bool { f := flow(c); return f.Drained > before.Drained && f.Kept < before.Kept })
		go func() {
			for {
				if _, err := client.Read(buf); err != nil {
					return
				}
			}
		}()
		next[*Drained](t, got)
		require.Zero(t, flow(c).Kept)
		require.Positive(t, flow(c).Drained)
	})
}

// Above the budget a connection whose chunks are out is not read, and one that gives them back is.
func TestBudget(t *testing.T) {
	const budget = 64 << 10
	onBoth(t, budget, func(t *testing.T, tr Transport) {
		ln, accepted := listening(t, tr)
		hog, hogConn, hogs := joined(t, ln, accepted, 1000)
		go hog.Write(bytes.Repeat(frame(t, string(make([]byte, 3000))), 1000))
		eventually(t, func() bool { _, pauses := tr.Buffered(); return pauses > 0 })
		held, _ := tr.Buffered()
		require.GreaterOrEqual(t, held, int64(budget))
		require.Less(t, held, int64(2*budget+maxReadSize), "the window alone would allow 512 KiB")

		honest, c, got := joined(t, ln, accepted, 1000)
		for range 100 {
			honest.Write(frame(t, "short"))
			ch := next[*Chunk](t, got)
			do(c, ch.Release)
		}
		require.LessOrEqual(t, must(tr.Buffered()), held+minBuffer)

		// The hog's chunks come back: it is read to the end.
		for frames := 0; frames < 1000; {
			ch := next[*Chunk](t, hogs)
			frames += len(ch.Frames)
			do(hogConn, ch.Release)
		}
		eventually(t, func() bool { return must(tr.Buffered()) <= budget/8 })
	})
}

// Above the budget long headers that are incomplete wait, their senders' timeouts run, and they go on when there is room.
func TestBudgetOfHeaders(t *testing.T) {
	const budget, header, hogs = 4 << 20, 900_000, 20
	onBoth(t, budget, func(t *testing.T, tr Transport) {
		ln, accepted := listening(t, tr)
		begin := binary.BigEndian.AppendUint32(nil, header+1000)
		begin = binary.BigEndian.AppendUint32(begin, header)
		begin = append(begin, bytes.Repeat([]byte(" "), header-1)...)
		var clients []net.Conn
		var conns []Conn
		for range hogs {
			client, c, _ := joined(t, ln, accepted, 1000)
			clients, conns = append(clients, client), append(conns, c)
			go client.Write(begin)
		}
		eventually(t, func() bool { _, pauses := tr.Buffered(); return pauses >= hogs/2 })
		require.Less(t, must(tr.Buffered()), int64(2*budget+hogs*128<<10), "all would be 40 MB")
		for _, c := range conns {
			eventually(t, func() bool { return flow(c).Partial > 0 })
		}
		for _, client := range clients[1:] {
			client.Close()
		}
		for _, c := range conns[1:] {
			do(c, c.Close)
		}
		eventually(t, func() bool { return flow(conns[0]).Partial >= header-1 })
	})
}

func must(bytes int64, _ uint64) int64 { return bytes }
