package transport

import (
	"bytes"
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/internal/testca"
)

// Small frames weigh by their list, not by their bytes.
func TestFramesOfChunksAreCounted(t *testing.T) {
	tiny := bytes.Repeat([]byte{0, 0, 0, 6, 0, 0, 0, 2, '{', '}'}, 6000)
	onBoth(t, 0, func(t *testing.T, tr Transport) {
		ln, accepted := listening(t, tr)
		client, c, got := joined(t, ln, accepted, 100)
		go client.Write(tiny)
		var out []*Chunk
		for frames := 0; frames < 6000; {
			ch := next[*Chunk](t, got)
			out = append(out, ch)
			frames += len(ch.Frames)
		}
		do(c, func() {}) // the loop has counted the last one
		eventually(t, func() bool { return Handed(c) >= 6000*frameSize+len(tiny) })
		do(c, func() {
			for _, ch := range out {
				ch.Release()
			}
		})
		require.Zero(t, Handed(c))
		eventually(t, func() bool { return must(tr.Buffered()) == 0 })
	})
}

// A connection over its window by its frames alone is not read on.
func TestWindowCountsFrames(t *testing.T) {
	tiny := bytes.Repeat([]byte{0, 0, 0, 6, 0, 0, 0, 2, '{', '}'}, 400_000)
	onBoth(t, 0, func(t *testing.T, tr Transport) {
		ln, accepted := listening(t, tr)
		client, c, _ := joined(t, ln, accepted, 10_000)
		go client.Write(tiny)
		eventually(t, func() bool { return Handed(c) >= 512<<10 })
		require.Less(t, Handed(c), 512<<10+2*(maxReadSize/10+maxPooledFrames)*frameSize)
	})
}

// What is reserved takes half of the budget at most, however much the chunks hold; what is held may use up all of it.
func TestReserve(t *testing.T) {
	onBoth(t, 1<<20, func(t *testing.T, tr Transport) {
		on := tr.Executors()[0]
		hold := func(n int) {
			done := make(chan struct{})
			on.Schedule(func() { tr.Hold(on, n); close(done) })
			<-done
		}
		require.True(t, tr.Reserve(512<<10))
		require.False(t, tr.Reserve(1))
		tr.Release(1)
		require.True(t, tr.Reserve(1))
		require.False(t, tr.Over())
		hold(512 << 10)
		require.True(t, tr.Over())
		tr.Release(512 << 10)
		require.False(t, tr.Over())
		require.True(t, tr.Reserve(512<<10), "what is held has a half of its own")
		tr.Release(512 << 10)
		hold(-512 << 10)
		require.Zero(t, must(tr.Buffered()))
	})
}

// Handshakes in progress are counted, and have room in half of the budget; one that ends gives its room back.
func TestHandshakesAreCounted(t *testing.T) {
	cfg := &tls.Config{Certificates: []tls.Certificate{testca.New(t).Certificate(t, "mq")}}
	rejected := make(chan Rejection, 10)
	h := &DownstreamHandshake{TLS: func() *tls.Config { return cfg }, Timeout: time.Hour, Rejected: func(r Rejection) { rejected <- r }}
	onBoth(t, 8*handshakeCost, func(t *testing.T, tr Transport) {
		plain, err := tr.Listen("127.0.0.1:0")
		require.NoError(t, err)
		ln := h.Wrap(plain)
		defer ln.Close()
		accepted := make(events, 10)
		ln.Accept(accepted)
		var silent []net.Conn
		connect := func() net.Conn {
			c, err := net.Dial("tcp", ln.Addr().String())
			require.NoError(t, err)
			t.Cleanup(func() { c.Close() })
			return c
		}
		for range 4 {
			silent = append(silent, connect())
		}
		connect()
		r := <-rejected
		require.Equal(t, RejectedTooMany, r.Reason)
		require.ErrorContains(t, r.Err, "limits.buffer_total")
		require.EqualValues(t, 4*handshakeCost, must(tr.Buffered()))

		silent[0].Close()
		eventually(t, func() bool { return must(tr.Buffered()) == 3*handshakeCost })
		require.NoError(t, tls.Client(connect(), &tls.Config{InsecureSkipVerify: true}).Handshake())
		next[*Accepted](t, accepted).Conn.Close()
		for _, c := range silent[1:] {
			c.Close()
		}
		eventually(t, func() bool { return must(tr.Buffered()) == 0 })
		require.Empty(t, rejected)
	})
}
