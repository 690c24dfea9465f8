package connection

import (
	"net/netip"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// rewrite puts the advertised address where clients take addresses from: the offset message ids of send answers, and
// the store host of messages in answers to 33 and 12 (VERIFIED.md 4). It returns a new head, or nil.
func (c *connection) rewrite(l *link, ch *transport.Chunk, f *codec.Frame, x *messages.Exchange) []byte {
	if !f.Header.IsResponse() {
		return nil
	}
	host, port, ok := c.advertisedIP()
	if !ok {
		return nil
	}
	switch x.Header.Code {
	case codec.ReqSendMessage, codec.ReqSendMessageV2, codec.ReqSendBatchMessage:
		lookup := func(netip.AddrPort) (netip.AddrPort, bool) { return netip.AddrPortFrom(host, port), true }
		return rewrite.InAnswer(x.Header.Code).Head(ch.Head(f), &f.Header, f.End-f.BodyOff, lookup)
	case codec.ReqViewMessageByID, codec.ReqQueryMessage:
		l.edit = rewrite.NewStoreHostRewriter(host, port)
		l.edit.Rewrite(ch.Body(f))
	}
	return nil
}

// advertisedIP is the advertised address of this connection's broker, never that of its VIP port. Message ids hold IP
// addresses, so an advertised host name does not fit.
func (c *connection) advertisedIP() (netip.Addr, uint16, bool) {
	host, port, ok := c.port.Advertised(c.port.Broker, c.out.sock.Local())
	if !ok {
		return netip.Addr{}, 0, false
	}
	ip, err := netip.ParseAddr(host)
	return ip, uint16(port), err == nil
}
