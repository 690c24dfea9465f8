package transport_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/internal/testca"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// What a handshake has read comes before what it has left, however much its loop has to do when the connection starts.
func TestFirstBytesComeFirst(t *testing.T) {
	received := request("first") + request(strings.Repeat("later", 100))
	withHandshake(t, transport.DownstreamHandshake{TLS: serverTLS(t, testca.New(t)), AllowPlain: true}, func(h *handshakeFixture) {
		for turn := range 130 { // a loop looks at its sockets after so many
			h.connect(received)
			c := await(h.t, h.accepted)
			sink := newRecordingSink()
			var busy func(n int)
			busy = func(n int) {
				if n == turn {
					c.Start(sink)
				}
				if n < 200 {
					c.Executor().Schedule(func() { busy(n + 1) })
				}
			}
			if onLoop(c) {
				c.Executor().Schedule(func() { busy(0) })
			} else {
				c.Start(sink)
			}
			sink.awaitBytes(t, []byte(received))
			require.Empty(h.t, sink.snapshot().wrong)
			on(c, c.Close)
		}
	})
}
