package transport_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// server is a listening socket of the test.
func server(t testing.TB) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	return ln
}

func acceptOne(t testing.TB, ln net.Listener) net.Conn {
	t.Helper()
	require.NoError(t, ln.(*net.TCPListener).SetDeadline(time.Now().Add(patience)))
	nc, err := ln.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	return nc
}

// What is written while dialing goes out first and in order; Drained follows Connected.
func TestDial(t *testing.T) {
	each(t, options{}, func(t *testing.T, w *fixture) {
		ln := server(t)
		downstream, _ := w.accept(discardSink{})
		sink := newRecordingSink()
		var c transport.Conn
		on(downstream, func() {
			c = w.Dial(ln.Addr().String(), transport.DownstreamOf(downstream), sink)
			c.Write(frame(0, 10), nil)
			c.Write(nil, nil)
			c.Write(frame(1, 10), nil)
		})
		t.Cleanup(func() { on(c, c.Close) })
		sink.await(t, "connected and drained", func() bool { return sink.connected == 1 && sink.drained == 1 })
		require.Equal(t, []string{"connected", "drained"}, sink.snapshot().order)
		on(c, func() { c.Write(frame(2, 10), nil) })
		nc := acceptOne(t, ln)
		require.Equal(t, frames(3, 10), receive(t, nc, len(frames(3, 10))))
		require.Equal(t, nc.LocalAddr().String(), c.Remote().String())
		require.Equal(t, nc.RemoteAddr().String(), c.Local().String())
		_, err := nc.Write(frames(5, 100))
		require.NoError(t, err)
		sink.awaitBytes(t, frames(5, 100))
		nc.Close()
		require.ErrorIs(t, sink.awaitClosed(t), io.EOF)
	})
}

// What is written before Connected is kept and counted, even if it is more than a socket takes.
func TestDialAndWriteMuch(t *testing.T) {
	stream := frames(64, 256<<10)
	each(t, options{}, func(t *testing.T, w *fixture) {
		ln := server(t)
		downstream, _ := w.accept(discardSink{})
		sink := newRecordingSink()
		w.dial(downstream, ln.Addr().String(), sink, stream[:1000], stream[1000:])
		require.True(t, bytes.Equal(stream, receive(t, acceptOne(t, ln), len(stream))))
		sink.await(t, "drained", func() bool { return sink.drained > 0 })
		order := sink.snapshot().order
		require.Equal(t, []string{"connected", "drained"}, slices.Compact(order))
		require.LessOrEqual(t, len(order), 3, "once for each write, if the first has gone out when the second comes")
	})
}

func TestDialRefused(t *testing.T) {
	each(t, options{}, func(t *testing.T, w *fixture) {
		ln := server(t)
		ln.Close()
		source := newRecordingSink()
		source.hold = true
		downstream, client := w.accept(source)
		_, err := client.Write(frame(1, 10))
		require.NoError(t, err)
		source.awaitBytes(t, frame(1, 10))
		sink := newRecordingSink()
		on(downstream, func() {
			c := w.Dial(ln.Addr().String(), transport.DownstreamOf(downstream), sink)
			c.Write(source.snapshot().held[0].B, source.snapshot().held[0])
		})
		require.ErrorIs(t, sink.awaitClosed(t), syscall.ECONNREFUSED)
		require.Zero(t, sink.snapshot().connected)
		source.release(downstream)
		require.Eventually(t, func() bool { return transport.Handed(downstream) == 0 }, patience, time.Millisecond, "what was to be written is given back")
	})
}

// A host name is looked up. Of its addresses one that answers is used: this one's IPv6 address, if it has any, does not.
func TestDialByName(t *testing.T) {
	each(t, options{}, func(t *testing.T, w *fixture) {
		ln := server(t)
		downstream, _ := w.accept(discardSink{})
		sink := newRecordingSink()
		name := net.JoinHostPort("localhost", strconv.Itoa(ln.Addr().(*net.TCPAddr).Port))
		c := w.dial(downstream, name, sink, frame(1, 10))
		sink.await(t, "an outcome", func() bool { return len(sink.order) > 0 })
		require.Equal(t, "connected", sink.snapshot().order[0])
		require.Equal(t, downstream.Executor(), c.Executor(), "it lives where the one lives that it works for")
		nc := acceptOne(t, ln)
		require.Equal(t, frame(1, 10), receive(t, nc, len(frame(1, 10))))
		require.Equal(t, ln.Addr().String(), c.Remote().String())
		_, err := nc.Write(frames(5, 100))
		require.NoError(t, err)
		sink.awaitBytes(t, frames(5, 100))
	})
}

func TestDialWhatIsNoAddress(t *testing.T) {
	for _, address := range []string{"", "no port", "127.0.0.1:port", "127.0.0.1:70000", "[::1", "256.0.0.1:x"} {
		each(t, options{dialTimeout: time.Second}, func(t *testing.T, w *fixture) {
			downstream, _ := w.accept(discardSink{})
			sink := newRecordingSink()
			w.dial(downstream, address, sink)
			require.Error(t, sink.awaitClosed(t))
			require.Equal(t, []string{"closed"}, sink.snapshot().order)
		})
	}
}

// full is the address of a listening socket that takes no more connections: the kernel drops their first segment.
func full(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	t.Cleanup(func() { syscall.Close(fd) })
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, syscall.Listen(fd, 0))
	sa, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(sa.(*syscall.SockaddrInet4).Port))
	for range 10 {
		nc, err := net.DialTimeout("tcp", address, 100*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { nc.Close() })
	}
	t.Skip("this system's listening sockets take more than their backlog")
	return ""
}

func TestDialTimesOut(t *testing.T) {
	address := full(t)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	for _, target := range []string{address, "localhost:" + port} {
		each(t, options{dialTimeout: 50 * time.Millisecond}, func(t *testing.T, w *fixture) {
			downstream, _ := w.accept(discardSink{})
			sink := newRecordingSink()
			w.dial(downstream, target, sink, []byte("never"))
			var timeout interface{ Timeout() bool }
			err := sink.awaitClosed(t)
			require.True(t, errors.As(err, &timeout) && timeout.Timeout() || target != address && errors.Is(err, syscall.ECONNREFUSED), "%v", err)
			require.Zero(t, sink.snapshot().connected)
		})
	}
}

// The owner's Close ends a dial, and no event comes, neither at once nor when the dial would have timed out.
func TestClosedWhileDialing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		tr := &transport.Net{DialTimeout: time.Second, Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
			dials++
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		sink := newRecordingSink()
		c := tr.Dial("192.0.2.1:1", transport.Downstream{}, sink)
		c.Write([]byte("never"), nil)
		synctest.Wait()
		require.Equal(t, 1, dials)
		require.Equal(t, 5, c.Kept())
		c.Close()
		require.Zero(t, c.Kept())
		time.Sleep(2 * time.Second)
		require.Empty(t, sink.snapshot().order)
	})
}

// A dial for no client works as well: connections to name servers belong to none.
func TestDialForNobody(t *testing.T) {
	each(t, options{}, func(t *testing.T, w *fixture) {
		ln := server(t)
		sink := newRecordingSink()
		c := w.Dial(ln.Addr().String(), transport.Downstream{}, sink)
		defer c.Close()
		c.Write(frame(0, 10), nil)
		nc := acceptOne(t, ln)
		require.Equal(t, frame(0, 10), receive(t, nc, len(frame(0, 10))))
		_, err := nc.Write(frame(1, 10))
		require.NoError(t, err)
		sink.awaitBytes(t, frame(1, 10))
	})
}
