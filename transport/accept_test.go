package transport

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// events is a sink that a test reads.
type events chan any

func (e events) Deliver(event any) { e <- event }

// closable is the socket of a listener whose accepting is scripted.
type closable struct{ closed chan struct{} }

func (c closable) Accept() (net.Conn, error) { return nil, errors.ErrUnsupported }
func (c closable) Addr() net.Addr            { return net.TCPAddrFromAddrPort(netip.AddrPort{}) }
func (c closable) Close() error              { close(c.closed); return nil }

// Whatever accepting fails for passes: it goes on after a pause, until the listener is closed.
func TestAcceptingGoesOnAfterEachError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failures := []error{
			syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EPERM,
			syscall.EPROTO, syscall.ENETDOWN, syscall.EHOSTUNREACH, syscall.EINVAL, net.ErrClosed, errors.New("anything"),
		}
		socket := closable{make(chan struct{})}
		tries := 0
		l := newNetListener(socket, func() (Conn, error) {
			if tries++; tries <= len(failures) {
				return nil, failures[tries-1]
			}
			if tries == len(failures)+1 {
				return (&Net{}).newConn(nil), nil
			}
			<-socket.closed
			return nil, net.ErrClosed
		})
		begun := time.Now()
		got := make(events, 100)
		l.Accept(got)
		for _, want := range failures {
			if errors.Is(want, syscall.EINVAL) {
				continue // the socket listens again
			}
			require.ErrorIs(t, (<-got).(*AcceptFailed).Err, want)
		}
		require.IsType(t, &Accepted{}, <-got)
		require.Equal(t, time.Duration(len(failures))*acceptPause, time.Since(begun), "one that fails for long does not spin")
		l.Close()
		require.IsType(t, &AcceptEnded{}, <-got)
	})
}
