package connection

import (
	"errors"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// passedOn gives the socket of a client that speaks gRPC from its first byte on to the listener's gRPC, and ends the
// connection. It reports false when the client does not, or the port serves none.
func (c *connection) passedOn(ch *transport.Chunk) bool {
	var malformed *codec.FrameError
	if c.in.heard || len(ch.B) > 0 || c.port.Speaks == nil || !errors.As(ch.Err, &malformed) || !c.port.Speaks(malformed.LooksLike) {
		return false
	}
	secured := malformed.LooksLike == codec.LooksLikeTLS
	if secured && !transport.OffersHTTP2(ch.Beyond) {
		return false
	}
	nc, err := transport.Take(c.out.sock, ch.Beyond)
	if err != nil {
		return false
	}
	ch.Release()
	c.ctx.Send(c.listener, &messages.HTTP2{Conn: nc, TLS: secured})
	c.stop()
	return true
}
