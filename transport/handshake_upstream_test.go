package transport_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/testca"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// relayed writes what one connection reads to the other, where the first one's client lives, as the actors do.
type relayed struct {
	on        transport.Executor
	to        func() transport.Conn
	connected chan struct{}
	closed    chan error
}

func (r *relayed) Deliver(event any) {
	r.on.Schedule(func() {
		switch m := event.(type) {
		case *transport.Chunk:
			r.to().Write(m.B, m)
			m.Release()
		case *transport.Connected:
			close(r.connected)
		case *transport.Closed:
			r.closed <- m.Err
		}
	})
}

// bridge is a client, the connection that the proxy has accepted from it, and an upstream of that.
type bridge struct {
	client     net.Conn
	downstream transport.Conn
	upstream   *relayed
}

// build connects a client through a transport to an upstream.
func build(t *testing.T, tr transport.Transport, u transport.UpstreamHandshake, address string) *bridge {
	t.Helper()
	ln, err := tr.Listen("127.0.0.1:0")
	require.NoError(t, err)
	h := newHandshakeFixture(t, ln, transport.DownstreamHandshake{})
	b := &bridge{client: h.connect()}
	b.downstream = await(t, h.accepted)
	ln.Close()
	x := b.downstream.Executor()
	var far transport.Conn
	relays := func(to func() transport.Conn) *relayed {
		return &relayed{on: x, to: to, connected: make(chan struct{}), closed: make(chan error, 1)}
	}
	b.upstream = relays(func() transport.Conn { return b.downstream })
	x.Schedule(func() {
		far = tr.Towards(u).Dial(address, transport.DownstreamOf(b.downstream), b.upstream)
		b.downstream.Start(relays(func() transport.Conn { return far }))
	})
	t.Cleanup(func() {
		x.Schedule(func() {
			b.downstream.Close()
			far.Close()
		})
	})
	return b
}

// withUpstream runs a test with each transport, in front of a server that echoes everything.
func withUpstream(t *testing.T, cfg *tls.Config, test func(t *testing.T, tr transport.Transport, address string, headers chan *proxyproto.Header)) {
	best, stop, err := transport.New(codec.Limits{}, 64<<10, 0, 0)
	require.NoError(t, err)
	t.Cleanup(stop)
	for name, tr := range map[string]transport.Transport{"best": best, "goroutines": &transport.Net{Window: 64 << 10}} {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			t.Cleanup(func() { ln.Close() })
			headers := make(chan *proxyproto.Header, 10)
			go echo(ln, cfg, headers)
			test(t, tr, ln.Addr().String(), headers)
		})
	}
}

// echo is a server: a PROXY header if there is one, TLS if it is configured, then everything back.
func echo(ln net.Listener, cfg *tls.Config, headers chan *proxyproto.Header) {
	for {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer nc.Close()
			r := bufio.NewReader(nc)
			var c net.Conn = buffered{nc, r}
			if h, err := proxyproto.Read(r); err == nil {
				headers <- h
			}
			if cfg != nil {
				c = tls.Server(c, cfg)
			}
			io.Copy(c, c)
		}()
	}
}

type buffered struct {
	net.Conn
	r *bufio.Reader
}

func (b buffered) Read(p []byte) (int, error) { return b.r.Read(p) }

// Megabytes go there and back, through windows of 64 KiB, with chunks of either side kept by the other.
func TestUpstreamUnderTLS(t *testing.T) {
	ca := testca.New(t)
	server := serverTLS(t, ca)()
	client := &tls.Config{RootCAs: ca.Pool} // 127.0.0.1 is in the certificate
	withUpstream(t, server, func(t *testing.T, tr transport.Transport, address string, headers chan *proxyproto.Header) {
		b := build(t, tr, transport.UpstreamHandshake{TLS: func() *tls.Config { return client }}, address)
		var stream []byte
		for len(stream) < 4<<20 {
			stream = append(stream, request(strings.Repeat("x", rand.IntN(20_000)))...)
		}
		go b.client.Write(stream)
		got := make([]byte, len(stream))
		b.client.SetReadDeadline(time.Now().Add(inTime))
		_, err := io.ReadFull(b.client, got)
		require.NoError(t, err)
		require.True(t, bytes.Equal(stream, got))
		require.Empty(t, headers)
		await(t, b.upstream.connected)
	})
}

func TestUpstreamGetsTheClient(t *testing.T) {
	ca := testca.New(t)
	for _, cfg := range []*tls.Config{nil, serverTLS(t, ca)()} {
		u := transport.UpstreamHandshake{SendProxy: true}
		if cfg != nil {
			u.TLS = func() *tls.Config { return &tls.Config{RootCAs: ca.Pool} }
		}
		withUpstream(t, cfg, func(t *testing.T, tr transport.Transport, address string, headers chan *proxyproto.Header) {
			b := build(t, tr, u, address)
			_, err := b.client.Write([]byte(request("x")))
			require.NoError(t, err)
			got := make([]byte, len(request("x")))
			_, err = io.ReadFull(b.client, got)
			require.NoError(t, err)
			require.Equal(t, request("x"), string(got), "the header is not answered, and nothing of it is lost")
			h := await(t, headers)
			require.EqualValues(t, 2, h.Version)
			require.Equal(t, b.client.LocalAddr().String(), h.SourceAddr.String())
			require.Equal(t, b.client.RemoteAddr().String(), h.DestinationAddr.String())
		})
	}
}

// A connection that works for no client says so: an upstream that wants a header gets one.
func TestUpstreamOfNoClientIsLocal(t *testing.T) {
	withUpstream(t, nil, func(t *testing.T, tr transport.Transport, address string, headers chan *proxyproto.Header) {
		c := tr.Towards(transport.UpstreamHandshake{SendProxy: true}).Dial(address, transport.Downstream{}, newRecordingSink())
		t.Cleanup(c.Close)
		require.True(t, await(t, headers).Command.IsLocal())
	})
}

// A client that shares its connection with others is named to its upstream all the same, and served where it lives.
func TestUpstreamGetsAClientWithoutASocket(t *testing.T) {
	withUpstream(t, nil, func(t *testing.T, tr transport.Transport, address string, headers chan *proxyproto.Header) {
		on := tr.Executors()[0]
		d := transport.Downstream{On: on, Client: netip.MustParseAddrPort("192.0.2.1:1000"), Local: netip.MustParseAddrPort("192.0.2.2:8081")}
		served := make(chan transport.Executor)
		on.Schedule(func() {
			c := tr.Towards(transport.UpstreamHandshake{SendProxy: true}).Dial(address, d, newRecordingSink())
			t.Cleanup(func() { on.Schedule(c.Close) })
			go func() { served <- c.Executor() }()
		})
		require.Equal(t, on, await(t, served))
		h := await(t, headers)
		require.Equal(t, d.Client.String(), h.SourceAddr.String())
		require.Equal(t, d.Local.String(), h.DestinationAddr.String())
	})
}

func TestUpstreamWithAWrongCertificate(t *testing.T) {
	ca, others := testca.New(t), testca.New(t)
	f := func(client *tls.Config, want string) {
		withUpstream(t, serverTLS(t, ca)(), func(t *testing.T, tr transport.Transport, address string, _ chan *proxyproto.Header) {
			b := build(t, tr, transport.UpstreamHandshake{TLS: func() *tls.Config { return client }}, address)
			require.ErrorContains(t, await(t, b.upstream.closed), want)
		})
	}
	f(&tls.Config{RootCAs: others.Pool}, "cannot secure the connection (cluster.tls): tls: failed to verify certificate: x509: certificate signed by unknown authority")
	f(&tls.Config{RootCAs: ca.Pool, ServerName: "other"}, "certificate is valid for mq, not other")
}

// A server that accepts and then says nothing is given up.
func TestUpstreamThatNeverShakesHands(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts
	require.NoError(t, err)
	defer ln.Close()
	tr := &transport.Net{}
	b := build(t, tr, transport.UpstreamHandshake{TLS: func() *tls.Config { return &tls.Config{} }, HandshakeTimeout: 50 * time.Millisecond}, ln.Addr().String())
	require.ErrorContains(t, await(t, b.upstream.closed), "i/o timeout")
}
