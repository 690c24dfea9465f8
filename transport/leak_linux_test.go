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
	realListeners(t, func(t *testing.T, w *fixture) {
		ln, err := w.Listen("127.0.0.1:0")
		require.NoError(t, err)
		defer ln.Close()
		peer := connect(t, ln)
		var before syscall.Rlimit
		require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before))
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 3, Max: before.Max}))
		accepted := make(acceptSink, 100)
		ln.Accept(accepted)
		event := <-accepted
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before))
		require.IsType(t, &transport.AcceptFailed{}, event)
		require.ErrorIs(t, event.(*transport.AcceptFailed).Err, syscall.EMFILE)
		for {
			if event = <-accepted; event != nil {
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
	endings := map[string]func(t *testing.T, w *fixture){
		"peer finishes": func(t *testing.T, w *fixture) {
			sink := newRecordingSink()
			_, peer := w.accept(sink)
			peer.Close()
			sink.awaitClosed(t)
		},
		"peer resets": func(t *testing.T, w *fixture) {
			sink := newRecordingSink()
			_, peer := w.accept(sink)
			peer.SetLinger(0)
			peer.Close()
			sink.awaitClosed(t)
		},
		"closed": func(_ *testing.T, w *fixture) {
			c, _ := w.accept(discardSink{})
			on(c, c.Close)
		},
		"closed with writes kept": func(_ *testing.T, w *fixture) {
			c, _ := w.accept(discardSink{})
			on(c, func() { c.Write(make([]byte, 16<<20), nil) })
			on(c, c.Close)
		},
		"never started": func(_ *testing.T, w *fixture) {
			c, _ := w.accepted()
			c.Close()
		},
		"no frame": func(t *testing.T, w *fixture) {
			sink := newRecordingSink()
			_, peer := w.accept(sink)
			peer.Write([]byte("GET / HTTP/1.1\r\n"))
			sink.awaitClosed(t)
		},
		"refused": func(t *testing.T, w *fixture) {
			downstream, _ := w.accept(discardSink{})
			sink := newRecordingSink()
			w.dial(downstream, "127.0.0.1:1", sink)
			w.dial(downstream, "localhost:1", discardSink{})
			sink.awaitClosed(t)
		},
		"closed while dialing": func(_ *testing.T, w *fixture) {
			downstream, _ := w.accept(discardSink{})
			on(downstream, func() {
				w.Dial(nobody, transport.DownstreamOf(downstream), discardSink{}).Close()
				w.Dial("localhost:1", transport.DownstreamOf(downstream), discardSink{}).Close()
			})
		},
		"dialed": func(t *testing.T, w *fixture) {
			ln := server(t)
			downstream, _ := w.accept(discardSink{})
			for _, host := range []string{"127.0.0.1", "localhost"} {
				_, port, _ := net.SplitHostPort(ln.Addr().String())
				sink := newRecordingSink()
				c := w.dial(downstream, net.JoinHostPort(host, port), sink)
				// On a busy machine a look-up may take longer than the dial timeout: then it ends as the ones above do.
				sink.await(t, "connected, or late", func() bool { return sink.connected == 1 || len(sink.closed) == 1 })
				on(c, c.Close)
			}
		},
	}
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			files, routines := open(t), runtime.NumGoroutine()
			each(t, options{dialTimeout: 20 * time.Millisecond}, func(t *testing.T, w *fixture) {
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
