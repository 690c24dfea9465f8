package transport_test

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/testca"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Clients that send nothing hold up no other, and the end of the listener is theirs.
func TestSilentOnesHoldUpNobody(t *testing.T) {
	withHandshake(t, transport.DownstreamHandshake{TLS: serverTLS(t, testca.New(t)), AllowPlain: true, Timeout: time.Hour}, func(h *handshakeFixture) {
		var silent []net.Conn
		for range 100 {
			silent = append(silent, h.connect())
		}
		h.connect(request("x"))
		h.accepts(request("x"))
		h.ln.Close()
		for _, c := range silent {
			h.awaitEnd(c)
		}
	})
}

// A rejection says what the client speaks, so that the line says what to look for.
func TestRejectionSaysWhatTheClientSpeaks(t *testing.T) {
	received := map[string]string{
		request("x"):                        "a plain RocketMQ client",
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n": codec.LooksLikeHTTP,
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":  codec.LooksLikeGRPC,
	}
	local := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	withHandshake(t, transport.DownstreamHandshake{TLS: serverTLS(t, testca.New(t))}, func(h *handshakeFixture) {
		for bytes, protocol := range received {
			require.ErrorContains(h.t, h.rejects(h.connect(bytes), transport.RejectedPlain).Err, "look like "+protocol)
		}
		header := "PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\n"
		require.ErrorContains(h.t, h.rejects(h.connect(header), transport.RejectedPlain).Err, "look like "+codec.LooksLikeProxy)
	})
	withHandshake(t, transport.DownstreamHandshake{ProxyFrom: local}, func(h *handshakeFixture) {
		for bytes, protocol := range received {
			require.ErrorContains(h.t, h.rejects(h.connect(bytes), transport.RejectedProxyHeader).Err, "look like "+protocol)
		}
		tls := "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
		require.ErrorContains(h.t, h.rejects(h.connect(tls), transport.RejectedProxyHeader).Err, "look like "+codec.LooksLikeTLS)
	})
}

// No more handshakes are in progress than there may be clients; one that ends makes room.
func TestTooManyHandshakes(t *testing.T) {
	e := transport.DownstreamHandshake{TLS: serverTLS(t, testca.New(t)), AllowPlain: true, Timeout: time.Hour, MaxInProgress: func() int { return 3 }}
	withHandshake(t, e, func(h *handshakeFixture) {
		silent := []net.Conn{h.connect(), h.connect(), h.connect()}
		h.rejects(h.connect(), transport.RejectedTooMany)
		_, err := silent[0].Write([]byte(request("x")))
		require.NoError(h.t, err)
		h.accepts(request("x"))
		for admitted := false; !admitted; { // a moment later there is room
			h.connect(request("y"))
			select {
			case c := <-h.accepted:
				admitted = true
				c.Close()
			case r := <-h.rejected:
				require.Equal(h.t, transport.RejectedTooMany, r.Reason)
			}
		}
		h.ln.Close()
		for _, c := range silent[1:] {
			h.awaitEnd(c)
		}
	})
}

func TestSlowOnesAreCutAtTheTimeout(t *testing.T) {
	cfg := serverTLS(t, testca.New(t))
	for _, beginning := range []string{"", "\x16", "\x16\x03\x01\x02\x00\x01\x00"} {
		synctest.Test(t, func(t *testing.T) {
			p := &pipes{}
			h := newHandshakeFixture(t, p, transport.DownstreamHandshake{TLS: cfg, AllowPlain: true, Timeout: 7 * time.Second})
			begun := time.Now()
			c := p.connect()
			defer c.Close()
			for _, b := range []byte(beginning) { // drop by drop does not help
				_, err := c.Write([]byte{b})
				require.NoError(t, err)
				time.Sleep(time.Second / 2)
			}
			require.Equal(t, transport.RejectedTimeout, (<-h.rejected).Reason)
			require.Equal(t, 7*time.Second, time.Since(begun))
			_, err := c.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF)
		})
	}
}
