package transport_test

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// realListeners runs a behavior with the listeners of the package; the third implementation has one of the fixture's.
func realListeners(t *testing.T, behavior func(t *testing.T, w *fixture)) {
	each(t, options{}, func(t *testing.T, w *fixture) {
		if _, own := w.Transport.(*opaqueNet); !own {
			behavior(t, w)
		}
	})
}

func connect(t *testing.T, ln transport.Listener) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	return nc
}

// An acceptor that is restarted takes over with its new sink; what connects meanwhile waits in the socket.
func TestAcceptIsHandedOn(t *testing.T) {
	realListeners(t, func(t *testing.T, w *fixture) {
		ln, err := w.Listen("127.0.0.1:0")
		require.NoError(t, err)
		defer ln.Close()
		first, second := make(acceptSink, 10), make(acceptSink, 10)
		connect(t, ln)
		ln.Accept(first)
		first.next(t).Close()
		ln.Accept(second)
		for range 3 {
			connect(t, ln)
			second.next(t).Close()
		}
		require.Empty(t, first)
	})
}

func TestListenerClose(t *testing.T) {
	realListeners(t, func(t *testing.T, w *fixture) {
		ln, err := w.Listen("127.0.0.1:0")
		require.NoError(t, err)
		address := ln.Addr().String()
		accepted := make(acceptSink, 10)
		ln.Accept(accepted)
		connect(t, ln)
		c := accepted.next(t)
		defer c.Close()
		ln.Close()
		_, err = net.Dial("tcp", address)
		require.Error(t, err)
		again, err := w.Listen(address)
		require.NoError(t, err, "the port is free at once")
		again.Close()
		ln.Close()
		select {
		case event := <-accepted:
			require.IsType(t, &transport.AcceptEnded{}, event, "no AcceptFailed: a close is not a failure")
		case <-time.After(patience):
			t.Fatal("AcceptEnded did not come")
		}
		require.Empty(t, accepted, "it comes once")
	})
}

// A balancer's probe connects and resets, maybe before it is accepted: whose it was is known all the same.
func TestPeerThatResetsHasAnAddress(t *testing.T) {
	realListeners(t, func(t *testing.T, w *fixture) {
		ln, err := w.Listen("127.0.0.1:0")
		require.NoError(t, err)
		defer ln.Close()
		probe := connect(t, ln).(*net.TCPConn)
		require.NoError(t, probe.SetLinger(0))
		require.NoError(t, probe.Close())
		accepted := make(acceptSink, 10)
		ln.Accept(accepted)
		c := accepted.next(t)
		require.Equal(t, probe.LocalAddr().String(), c.Remote().String())
		require.Equal(t, ln.Addr(), c.Local())
		sink := newRecordingSink()
		on(c, func() { c.Start(sink) })
		sink.awaitClosed(t)
		require.Equal(t, probe.LocalAddr().String(), c.Remote().String())
	})
}

func TestListenOnWhatIsTaken(t *testing.T) {
	realListeners(t, func(t *testing.T, w *fixture) {
		ln, err := w.Listen("127.0.0.1:0")
		require.NoError(t, err)
		defer ln.Close()
		_, err = w.Listen(ln.Addr().String())
		require.ErrorContains(t, err, ln.Addr().String())
	})
}

// An accepted connection is not read before Start: what its client sent waits.
func TestAcceptedWaitsForStart(t *testing.T) {
	each(t, options{}, func(t *testing.T, w *fixture) {
		c, peer := w.accepted()
		_, err := peer.Write(frames(3, 10))
		require.NoError(t, err)
		for range 2 { // turns of the loop: it has looked at its sockets in between
			on(c, func() {})
		}
		require.Zero(t, transport.Handed(c))
		sink := newRecordingSink()
		on(c, func() { c.Start(sink) })
		sink.awaitBytes(t, frames(3, 10))
	})
}
