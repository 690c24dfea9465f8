package transport_test

import (
	"crypto/tls"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/testca"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// toReset hands over what a listener accepts.
type toReset chan transport.Conn

func (a toReset) Deliver(event any) {
	if e, ok := event.(*transport.Accepted); ok {
		a <- e.Conn
	}
}

func TestResetIsNoEndOfStream(t *testing.T) {
	best, stop, err := transport.New(codec.Limits{}, 0, 0, 0)
	require.NoError(t, err)
	defer stop()
	for name, tr := range map[string]transport.Transport{"best": best, "goroutines": &transport.Net{}} {
		t.Run(name, func(t *testing.T) {
			ln, err := tr.Listen("127.0.0.1:0")
			require.NoError(t, err)
			defer ln.Close()
			come := make(toReset, 1)
			ln.Accept(come)
			peer, err := net.Dial("tcp", ln.Addr().String())
			require.NoError(t, err)
			defer peer.Close()
			c := <-come
			// What belongs to a socket is called where its events run.
			c.Executor().Schedule(func() {
				c.Write([]byte("the last words"), nil)
				transport.Reset(c)
			})
			peer.SetReadDeadline(time.Now().Add(30 * time.Second))
			said, err := io.ReadAll(peer)
			require.ErrorIs(t, err, syscall.ECONNRESET)
			require.Equal(t, "the last words", string(said), "what came before can still be read")
		})
	}
}

// What a peer does not take is thrown away with its connection, if that is what is wanted.
func TestDropKeepsNothing(t *testing.T) {
	best, stop, err := transport.New(codec.Limits{}, 0, 0, 0)
	require.NoError(t, err)
	defer stop()
	for name, tr := range map[string]transport.Transport{"best": best, "goroutines": &transport.Net{}} {
		t.Run(name, func(t *testing.T) {
			for how, end := range map[string]func(transport.Conn){"dropped": transport.Drop, "reset": transport.Reset} {
				ln, err := tr.Listen("127.0.0.1:0")
				require.NoError(t, err)
				defer ln.Close()
				come := make(toReset, 1)
				ln.Accept(come)
				peer, err := net.Dial("tcp", ln.Addr().String())
				require.NoError(t, err)
				defer peer.Close()
				c := <-come
				ended := make(chan struct{})
				c.Executor().Schedule(func() {
					for range 64 {
						c.Write(make([]byte, 1<<20), nil) // more than both systems take
					}
					end(c)
					close(ended)
				})
				<-ended
				peer.SetReadDeadline(time.Now().Add(30 * time.Second))
				_, err = io.Copy(io.Discard, peer)
				if how == "dropped" {
					require.ErrorIs(t, err, syscall.ECONNRESET)
				} else {
					require.NoError(t, err, "what the system has comes, and then an end")
				}
			}
		})
	}
}

// Under TLS the goodbye of a close would be an end in good order.
func TestResetUnderTLS(t *testing.T) {
	ca := testca.New(t)
	inHall(t, transport.Entrance{TLS: serverTLS(t, ca)}, func(h *hall) {
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
		said, err := io.ReadAll(peer)
		require.ErrorIs(t, err, syscall.ECONNRESET)
		require.Equal(t, "the last words", string(said))
	})
}

type toHearDrained chan bool

func (d toHearDrained) Deliver(event any) {
	if _, ok := event.(*transport.Drained); ok {
		d <- true
	}
}
