package transport_test

import (
	"crypto/tls"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/internal/testca"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

func TestResetIsNoEndOfStream(t *testing.T) {
	realListeners(t, func(t *testing.T, w *fixture) {
		c, peer := w.accepted()
		on(c, func() {
			c.Write([]byte("the last words"), nil)
			transport.Reset(c)
		})
		peer.SetReadDeadline(time.Now().Add(patience))
		received, err := io.ReadAll(peer)
		require.ErrorIs(t, err, syscall.ECONNRESET)
		require.Equal(t, "the last words", string(received), "what came before can still be read")
	})
}

// What a peer does not take is thrown away with its connection, if that is what is wanted.
func TestDropKeepsNothing(t *testing.T) {
	realListeners(t, func(t *testing.T, w *fixture) {
		end := func(how func(transport.Conn)) error {
			c, peer := w.accepted()
			on(c, func() {
				for range 64 {
					c.Write(make([]byte, 1<<20), nil) // more than both systems take
				}
				how(c)
			})
			peer.SetReadDeadline(time.Now().Add(patience))
			_, err := io.Copy(io.Discard, peer)
			return err
		}
		require.ErrorIs(t, end(transport.Drop), syscall.ECONNRESET)
		require.NoError(t, end(transport.Reset), "what the system has comes, and then an end")
	})
}

// Under TLS the goodbye of a close would be an end in good order.
func TestResetUnderTLS(t *testing.T) {
	ca := testca.New(t)
	withHandshake(t, transport.DownstreamHandshake{TLS: serverTLS(t, ca)}, func(h *handshakeFixture) {
		raw, err := net.Dial("tcp", h.ln.Addr().String())
		require.NoError(t, err)
		defer raw.Close()
		peer := tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
		require.NoError(t, peer.Handshake())
		c := await(t, h.accepted)
		drained := make(toHearDrained, 1)
		c.Start(drained)
		c.Write([]byte("the last words"), nil)
		await(t, drained)
		transport.Reset(c)
		peer.SetReadDeadline(time.Now().Add(inTime))
		received, err := io.ReadAll(peer)
		require.ErrorIs(t, err, syscall.ECONNRESET)
		require.Equal(t, "the last words", string(received))
	})
}

type toHearDrained chan bool

func (d toHearDrained) Deliver(event any) {
	if _, ok := event.(*transport.Drained); ok {
		d <- true
	}
}
