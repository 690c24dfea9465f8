package transport_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"syscall"
	"testing"
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

// What is written while dialling goes out first and in order; Drained follows Connected.
func TestDial(t *testing.T) {
	each(t, options{}, func(t *testing.T, w *world) {
		ln := server(t)
		near, _ := w.accept(deaf{})
		e := newEar()
		var c transport.Conn
		on(near, func() {
			c = w.Dial(ln.Addr().String(), transport.DownstreamOf(near), e)
			c.Write(frame(0, 10), nil)
			c.Write(nil, nil)
			c.Write(frame(1, 10), nil)
		})
		t.Cleanup(func() { on(c, c.Close) })
		e.await(t, "connected and drained", func() bool { return e.connected == 1 && e.drained == 1 })
		require.Equal(t, []string{"connected", "drained"}, e.look().order)
		on(c, func() { c.Write(frame(2, 10), nil) })
		nc := acceptOne(t, ln)
		require.Equal(t, frames(3, 10), receive(t, nc, len(frames(3, 10))))
		require.Equal(t, nc.LocalAddr().String(), c.Remote().String())
		require.Equal(t, nc.RemoteAddr().String(), c.Local().String())
		_, err := nc.Write(frames(5, 100))
		require.NoError(t, err)
		e.awaitBytes(t, frames(5, 100))
		nc.Close()
		require.ErrorIs(t, e.awaitClosed(t), io.EOF)
	})
}

// What is written before Connected is kept and counted, even if it is more than a socket takes.
func TestDialAndWriteMuch(t *testing.T) {
	stream := frames(64, 256<<10)
	each(t, options{}, func(t *testing.T, w *world) {
		ln := server(t)
		near, _ := w.accept(deaf{})
		e := newEar()
		w.dial(near, ln.Addr().String(), e, stream[:1000], stream[1000:])
		require.True(t, bytes.Equal(stream, receive(t, acceptOne(t, ln), len(stream))))
		e.await(t, "drained", func() bool { return e.drained == 1 })
		require.Equal(t, []string{"connected", "drained"}, e.look().order)
	})
}

func TestDialRefused(t *testing.T) {
	each(t, options{}, func(t *testing.T, w *world) {
		ln := server(t)
		ln.Close()
		source := newEar()
		source.hold = true
		near, client := w.accept(source)
		_, err := client.Write(frame(1, 10))
		require.NoError(t, err)
		source.awaitBytes(t, frame(1, 10))
		e := newEar()
		on(near, func() {
			c := w.Dial(ln.Addr().String(), transport.DownstreamOf(near), e)
			c.Write(source.look().held[0].B, source.look().held[0])
		})
		require.ErrorIs(t, e.awaitClosed(t), syscall.ECONNREFUSED)
		require.Zero(t, e.look().connected)
		source.release(near)
		require.Eventually(t, func() bool { return transport.Handed(near) == 0 }, patience, time.Millisecond, "what was to be written is given back")
	})
}

// A host name is looked up. Of its addresses one that answers is used: this one's IPv6 address, if it has any, does not.
func TestDialByName(t *testing.T) {
	each(t, options{}, func(t *testing.T, w *world) {
		ln := server(t)
		near, _ := w.accept(deaf{})
		e := newEar()
		name := net.JoinHostPort("localhost", strconv.Itoa(ln.Addr().(*net.TCPAddr).Port))
		c := w.dial(near, name, e, frame(1, 10))
		e.await(t, "an outcome", func() bool { return len(e.order) > 0 })
		require.Equal(t, "connected", e.look().order[0])
		require.Equal(t, near.Executor(), c.Executor(), "it lives where the one lives that it works for")
		nc := acceptOne(t, ln)
		require.Equal(t, frame(1, 10), receive(t, nc, len(frame(1, 10))))
		require.Equal(t, ln.Addr().String(), c.Remote().String())
		_, err := nc.Write(frames(5, 100))
		require.NoError(t, err)
		e.awaitBytes(t, frames(5, 100))
	})
}

func TestDialWhatIsNoAddress(t *testing.T) {
	for _, address := range []string{"", "no port", "127.0.0.1:port", "127.0.0.1:70000", "[::1", "256.0.0.1:x"} {
		each(t, options{dialTimeout: time.Second}, func(t *testing.T, w *world) {
			near, _ := w.accept(deaf{})
			e := newEar()
			w.dial(near, address, e)
			require.Error(t, e.awaitClosed(t))
			require.Equal(t, []string{"closed"}, e.look().order)
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
	t.Skip("this system's listening sockets take more than they are told to")
	return ""
}

func TestDialTimesOut(t *testing.T) {
	address := full(t)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	for _, target := range []string{address, "localhost:" + port} {
		each(t, options{dialTimeout: 50 * time.Millisecond}, func(t *testing.T, w *world) {
			near, _ := w.accept(deaf{})
			e := newEar()
			w.dial(near, target, e, []byte("never"))
			var timeout interface{ Timeout() bool }
			err := e.awaitClosed(t)
			require.True(t, errors.As(err, &timeout) && timeout.Timeout() || target != address && errors.Is(err, syscall.ECONNREFUSED), "%v", err)
			require.Zero(t, e.look().connected)
		})
	}
}

// The owner's Close ends a dial, and nothing is told.
func TestClosedWhileDialling(t *testing.T) {
	address := full(t)
	each(t, options{dialTimeout: 300 * time.Millisecond}, func(t *testing.T, w *world) {
		for _, target := range []string{address, "localhost:1"} {
			near, _ := w.accept(deaf{})
			e := newEar()
			on(near, func() {
				c := w.Dial(target, transport.DownstreamOf(near), e)
				c.Write([]byte("never"), nil)
				require.Equal(t, 5, c.Kept())
				c.Close()
				require.Zero(t, c.Kept())
			})
			time.Sleep(350 * time.Millisecond) // when the time-out would be told
			on(near, func() {})
			require.Empty(t, e.look().order)
		}
	})
}

// A dial on nobody's behalf works as well: name servers' connections belong to no client.
func TestDialForNobody(t *testing.T) {
	each(t, options{}, func(t *testing.T, w *world) {
		ln := server(t)
		e := newEar()
		c := w.Dial(ln.Addr().String(), transport.Downstream{}, e)
		defer c.Close()
		c.Write(frame(0, 10), nil)
		nc := acceptOne(t, ln)
		require.Equal(t, frame(0, 10), receive(t, nc, len(frame(0, 10))))
		_, err := nc.Write(frame(1, 10))
		require.NoError(t, err)
		e.awaitBytes(t, frame(1, 10))
	})
}
