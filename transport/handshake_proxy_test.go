package transport_test

import (
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/internal/testca"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

func TestProxyHeaderNamesTheClient(t *testing.T) {
	ca := testca.New(t)
	local := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	v1 := "PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\n"
	v2 := "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x03\xe8\x07\xd0"
	withHandshake(t, transport.DownstreamHandshake{ProxyFrom: local}, func(h *handshakeFixture) {
		for _, header := range []string{v1, v2} {
			h.connect(header, request("x"))
			g := h.accepts(request("x"))
			require.Equal(h.t, "192.0.2.1:1000", g.Remote().String())
			if strings.HasSuffix(h.t.Name(), "best") {
				require.Equal(h.t, loopsHere, onLoop(g))
			}
		}
		for _, header := range []string{"PROXY UNKNOWN\r\n", "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"} { // UNKNOWN, LOCAL
			c := h.connect(header, request("x"))
			require.Equal(h.t, c.LocalAddr().String(), h.accepts(request("x")).Remote().String())
		}
		// A header is due, and once.
		h.rejects(h.connect(request("x")), transport.RejectedProxyHeader)
		h.rejects(h.connect("PROXY TCP4 nonsense\r\n", request("x")), transport.RejectedProxyHeader)
		h.rejects(h.connect("PROXY ", strings.Repeat("x", 200)), transport.RejectedProxyHeader)
		h.rejects(h.connect(v2[:12], "\x21\x11\xff\xff", strings.Repeat("x", 70000)), transport.RejectedProxyHeader)
		c := h.connect(v2[:20])
		require.NoError(h.t, c.(*net.TCPConn).CloseWrite())
		h.rejects(c, transport.RejectedProxyHeader)
		h.connect(v1, v1)
		isNoFrame(h.t, await(h.t, h.accepts("").closed))
		h.connect().Close()
	})
	withHandshake(t, transport.DownstreamHandshake{ProxyFrom: local, TLS: serverTLS(t, ca)}, func(h *handshakeFixture) {
		secured := tls.Client(h.connect(v2), &tls.Config{RootCAs: ca.Pool, ServerName: "mq"})
		_, err := secured.Write([]byte(request("x")))
		require.NoError(h.t, err)
		require.Equal(h.t, "192.0.2.1:1000", h.accepts(request("x")).Remote().String())
	})
}

// What strangers send is never looked at as a header.
func TestProxyHeaderFromStrangers(t *testing.T) {
	ca := testca.New(t)
	elsewhere := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	headers := []string{"PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\n", "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"}
	for _, e := range []transport.DownstreamHandshake{{}, {ProxyFrom: elsewhere}, {ProxyFrom: elsewhere, TLS: serverTLS(t, ca), AllowPlain: true}} {
		withHandshake(t, e, func(h *handshakeFixture) {
			for _, header := range headers {
				c := h.connect(header, request("x"))
				g := h.accepts("")
				isNoFrame(h.t, await(h.t, g.closed))
				h.awaitEnd(c)
			}
			c := h.connect(request("x"))
			require.Equal(h.t, c.LocalAddr().String(), h.accepts(request("x")).Remote().String())
		})
	}
	withHandshake(t, transport.DownstreamHandshake{ProxyFrom: elsewhere, TLS: serverTLS(t, ca)}, func(h *handshakeFixture) {
		h.rejects(h.connect(headers[0], request("x")), transport.RejectedPlain)
	})
}
