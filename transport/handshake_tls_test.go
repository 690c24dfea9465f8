package transport_test

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/internal/testca"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

func TestTheFirstByteDecides(t *testing.T) {
	ca := testca.New(t)
	withHandshake(t, transport.DownstreamHandshake{TLS: serverTLS(t, ca), AllowPlain: true}, func(h *handshakeFixture) {
		c := h.connect(request("plain"))
		g := h.accepts(request("plain"))
		require.Equal(h.t, c.LocalAddr().String(), g.Remote().String())
		if strings.HasSuffix(h.t.Name(), "best") {
			require.Equal(h.t, loopsHere, onLoop(g), "a plain connection ends up where those of a plain listener are")
		}

		secured := tls.Client(h.connect(), &tls.Config{RootCAs: ca.Pool, ServerName: "mq"})
		_, err := secured.Write([]byte(request("under TLS")))
		require.NoError(h.t, err)
		g = h.accepts(request("under TLS"))
		require.Equal(h.t, secured.LocalAddr().String(), g.Remote().String())
		require.Equal(h.t, h.ln.Addr(), g.Local())
		g.Write([]byte("answer"), nil)
		answer := make([]byte, len("answer"))
		_, err = io.ReadFull(secured, answer)
		require.NoError(h.t, err)
		require.Equal(h.t, "answer", string(answer))
		secured.Close()
		require.ErrorIs(h.t, await(h.t, g.closed), io.EOF)
	})
}

func TestTLSRequired(t *testing.T) {
	ca := testca.New(t)
	withHandshake(t, transport.DownstreamHandshake{TLS: serverTLS(t, ca)}, func(h *handshakeFixture) {
		c := h.connect(request("plain"))
		require.Equal(h.t, c.LocalAddr().String(), h.rejects(c, transport.RejectedPlain).Remote.String())

		half := "\x16\x03\x01\x02\x00\x01\x00" // the head of a record of 512 bytes, and two of them
		c = h.connect(half)
		require.NoError(h.t, c.(*net.TCPConn).CloseWrite())
		h.rejects(c, transport.RejectedTLSHandshake)
		h.rejects(h.connect("\x16\x03\x01\x00\x05hello, is this TLS?"), transport.RejectedTLSHandshake)

		// A client that does not know the authority.
		c = h.connect()
		require.ErrorContains(h.t, tls.Client(c, &tls.Config{ServerName: "mq"}).Handshake(), "unknown authority")
		h.rejects(c, transport.RejectedTLSHandshake)

		// Health checks come and go without a word.
		h.connect().Close()
		check := h.connect().(*net.TCPConn)
		require.NoError(h.t, check.SetLinger(0))
		check.Close()
		secured := tls.Client(h.connect(), &tls.Config{RootCAs: ca.Pool, ServerName: "mq"})
		_, err := secured.Write([]byte(request("x")))
		require.NoError(h.t, err)
		h.accepts(request("x"))
	})
}

func TestClientCertificates(t *testing.T) {
	ca, others := testca.New(t), testca.New(t)
	cfg := serverTLS(t, ca)()
	cfg.ClientAuth, cfg.ClientCAs = tls.RequireAndVerifyClientCert, ca.Pool
	withHandshake(t, transport.DownstreamHandshake{TLS: func() *tls.Config { return cfg }}, func(h *handshakeFixture) {
		try := func(certificates ...tls.Certificate) net.Conn {
			c := h.connect()
			secured := tls.Client(c, &tls.Config{RootCAs: ca.Pool, ServerName: "mq", Certificates: certificates})
			if secured.Handshake() == nil { // in TLS 1.3 the server judges after that
				secured.Write([]byte(request("x")))
			}
			return c
		}
		h.rejects(try(), transport.RejectedTLSHandshake)
		h.rejects(try(others.Certificate(h.t, "client")), transport.RejectedTLSHandshake)
		try(ca.Certificate(h.t, "client"))
		h.accepts(request("x"))
	})
}

func TestTLSToAPlainPort(t *testing.T) {
	withHandshake(t, transport.DownstreamHandshake{}, func(h *handshakeFixture) {
		c := h.connect()
		go tls.Client(c, &tls.Config{InsecureSkipVerify: true}).Handshake()
		isNoFrame(h.t, await(h.t, h.accepts("").closed))
	})
}

// A goodbye that the peer does not take must not hold up the owner.
func TestClosingUnderTLSDoesNotBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := testca.New(t)
		cfg := serverTLS(t, ca)()
		cfg.SessionTicketsDisabled = true // nothing is to be written after the handshake
		p := &pipes{}
		h := newHandshakeFixture(t, p, transport.DownstreamHandshake{TLS: func() *tls.Config { return cfg }})
		nc := p.connect()
		defer nc.Close()
		require.NoError(t, tls.Client(nc, &tls.Config{RootCAs: ca.Pool, ServerName: "mq"}).Handshake())
		c := <-h.accepted
		begun := time.Now()
		c.Close() // nc is no longer read
		require.Zero(t, time.Since(begun))
	})
}
