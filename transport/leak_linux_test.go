package transport_test

import (
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Too many open files: accepting says so, rests, and goes on when there are descriptors again. The client waits.
func TestAcceptFails(t *testing.T) {
	realListeners(t, func(t *testing.T, w *world) {
		ln, err := w.Listen("127.0.0.1:0")
		require.NoError(t, err)
		defer ln.Close()
		peer := knock(t, ln)
		var before syscall.Rlimit
		require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before))
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 3, Max: before.Max}))
		door := make(doorman, 100)
		ln.Accept(door)
		event := <-door
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before))
		require.IsType(t, &transport.AcceptFailed{}, event)
		require.ErrorIs(t, event.(*transport.AcceptFailed).Err, syscall.EMFILE)
		for {
			if event = <-door; event != nil {
				if a, ok := event.(*transport.Accepted); ok {
					require.Equal(t, peer.LocalAddr().String(), a.Conn.Remote().String())
					a.Conn.Close()
					return
				}
			}
		}
	})
}

// Sockets that ended in every way there is have given back their descriptor, goroutines and, with Close, the loops.
func TestNothingLeaks(t *testing.T) {
	nobody := full(t)
	net.DefaultResolver.LookupPort(t.Context(), "tcp", "1") // opens what it keeps
	endings := map[string]func(t *testing.T, w *world){
		"peer finishes": func(t *testing.T, w *world) {
			e := newEar()
			_, peer := w.accept(e)
			peer.Close()
			e.awaitClosed(t)
		},
		"peer resets": func(t *testing.T, w *world) {
			e := newEar()
			_, peer := w.accept(e)
			peer.SetLinger(0)
			peer.Close()
			e.awaitClosed(t)
		},
		"closed": func(_ *testing.T, w *world) {
			c, _ := w.accept(deaf{})
			on(c, c.Close)
		},
		"closed with writes kept": func(_ *testing.T, w *world) {
			c, _ := w.accept(deaf{})
			on(c, func() { c.Write(make([]byte, 16<<20), nil) })
			on(c, c.Close)
		},
		"never started": func(_ *testing.T, w *world) {
			c, _ := w.accepted()
			c.Close()
		},
		"no frame": func(t *testing.T, w *world) {
			e := newEar()
			_, peer := w.accept(e)
			peer.Write([]byte("GET / HTTP/1.1\r\n"))
			e.awaitClosed(t)
		},
		"refused": func(t *testing.T, w *world) {
			near, _ := w.accept(deaf{})
			e := newEar()
			w.dial(near, "127.0.0.1:1", e)
			w.dial(near, "localhost:1", deaf{})
			e.awaitClosed(t)
		},
		"closed while dialling": func(_ *testing.T, w *world) {
			near, _ := w.accept(deaf{})
			on(near, func() {
				w.Dial(nobody, transport.DownstreamOf(near), deaf{}).Close()
				w.Dial("localhost:1", transport.DownstreamOf(near), deaf{}).Close()
			})
		},
		"dialled": func(t *testing.T, w *world) {
			ln := server(t)
			near, _ := w.accept(deaf{})
			for _, host := range []string{"127.0.0.1", "localhost"} {
				_, port, _ := net.SplitHostPort(ln.Addr().String())
				e := newEar()
				c := w.dial(near, net.JoinHostPort(host, port), e)
				// On a busy machine a look-up may take longer than the dial time-out: then it ends as the ones above do.
				e.await(t, "connected, or late", func() bool { return e.connected == 1 || len(e.closed) == 1 })
				on(c, c.Close)
			}
		},
	}
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			files, routines := open(t), runtime.NumGoroutine()
			each(t, options{dialTimeout: 20 * time.Millisecond}, func(t *testing.T, w *world) {
				for range 5 {
					end(t, w)
				}
			})
			require.Eventually(t, func() bool { return open(t) <= files }, patience, time.Millisecond, "descriptors")
			require.Eventually(t, func() bool { return runtime.NumGoroutine() <= routines+1 }, patience, time.Millisecond, "goroutines")
		})
	}
}

// open counts this process's descriptors.
func open(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(entries)
}
