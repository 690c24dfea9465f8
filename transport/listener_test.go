package transport_test

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// realListeners runs a behaviour with the listeners of the package; the third world has one of the fixture's.
func realListeners(t *testing.T, behaviour func(t *testing.T, w *world)) {
	each(t, options{}, func(t *testing.T, w *world) {
		if _, own := w.Transport.(*opaqueNet); !own {
			behaviour(t, w)
		}
	})
}

func knock(t *testing.T, ln transport.Listener) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	return nc
}

// An acceptor that is restarted takes over with its new sink; who connects meanwhile waits in the socket.
func TestAcceptIsHandedOn(t *testing.T) {
	realListeners(t, func(t *testing.T, w *world) {
		ln, err := w.Listen("127.0.0.1:0")
		require.NoError(t, err)
		defer ln.Close()
		first, second := make(doorman, 10), make(doorman, 10)
		knock(t, ln)
		ln.Accept(first)
		first.next(t).Close()
		ln.Accept(second)
		for range 3 {
			knock(t, ln)
			second.next(t).Close()
		}
		require.Empty(t, first)
	})
}

func TestListenerClose(t *testing.T) {
	realListeners(t, func(t *testing.T, w *world) {
		ln, err := w.Listen("127.0.0.1:0")
		require.NoError(t, err)
		address := ln.Addr().String()
		door := make(doorman, 10)
		ln.Accept(door)
		knock(t, ln)
		c := door.next(t)
		defer c.Close()
		ln.Close()
		_, err = net.Dial("tcp", address)
		require.Error(t, err)
		again, err := w.Listen(address)
		require.NoError(t, err, "the port is free at once")
		again.Close()
		ln.Close()
		select {
		case event := <-door:
			require.IsType(t, &transport.AcceptEnded{}, event, "no AcceptFailed: that it is closed is no failure")
		case <-time.After(patience):
			t.Fatal("the end of accepting is not told")
		}
		require.Empty(t, door, "it is told once")
	})
}

// A balancer's probe connects and resets, maybe before it is accepted: whose it was is known all the same.
func TestPeerThatResetsHasAnAddress(t *testing.T) {
	realListeners(t, func(t *testing.T, w *world) {
		ln, err := w.Listen("127.0.0.1:0")
		require.NoError(t, err)
		defer ln.Close()
		probe := knock(t, ln).(*net.TCPConn)
		require.NoError(t, probe.SetLinger(0))
		require.NoError(t, probe.Close())
		door := make(doorman, 10)
		ln.Accept(door)
		c := door.next(t)
		require.Equal(t, probe.LocalAddr().String(), c.Remote().String())
		require.Equal(t, ln.Addr(), c.Local())
		e := newEar()
		on(c, func() { c.Start(e) })
		e.awaitClosed(t)
		require.Equal(t, probe.LocalAddr().String(), c.Remote().String())
	})
}

func TestListenOnWhatIsTaken(t *testing.T) {
	realListeners(t, func(t *testing.T, w *world) {
		ln, err := w.Listen("127.0.0.1:0")
		require.NoError(t, err)
		defer ln.Close()
		_, err = w.Listen(ln.Addr().String())
		require.ErrorContains(t, err, ln.Addr().String())
	})
}

// An accepted connection is not read before Start: what its client sent waits.
func TestAcceptedWaitsForStart(t *testing.T) {
	each(t, options{}, func(t *testing.T, w *world) {
		c, peer := w.accepted()
		_, err := peer.Write(frames(3, 10))
		require.NoError(t, err)
		for range 2 { // turns of the loop: it has looked at its sockets in between
			on(c, func() {})
		}
		require.Zero(t, transport.Handed(c))
		e := newEar()
		on(c, func() { c.Start(e) })
		e.awaitBytes(t, frames(3, 10))
	})
}
