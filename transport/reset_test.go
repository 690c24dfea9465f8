package transport_test

import (
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
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
