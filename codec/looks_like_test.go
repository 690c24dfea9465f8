package codec_test

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

func TestErrorsNameTheProtocolThatBytesLookLike(t *testing.T) {
	f := func(want, begin string) {
		t.Helper()
		var s codec.Splitter
		_, _, err := s.Split([]byte(begin), nil)
		malformed := new(codec.FrameError)
		require.ErrorAs(t, err, &malformed)
		require.Equal(t, want, malformed.LooksLike)
		require.Equal(t, want != "", strings.HasPrefix(err.Error(), "malformed frame, looks like "+want+": "))
	}
	f("HTTP", "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	f("HTTP", "POST /topic HTTP/1.1\r\n")
	f("HTTP", "HTTP/1.1 400 Bad Request\r\n") // of a server that is taken for a broker
	f("gRPC (HTTP/2)", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	f("PROXY protocol", "PROXY TCP4 10.0.0.9 10.0.0.1 5000 9876\r\n")
	f("PROXY protocol", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c")
	f("TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc")
	f("TLS", "\x15\x03\x03\x00\x02\x02\x28\x00") // an alert
	f("SSH", "SSH-2.0-OpenSSH_9.6\r\n")
	f("Redis", "*1\r\n$4\r\nPING\r\n")
	f("AMQP", "AMQP\x00\x00\x09\x01")
	f("MQTT", "\x10\x1a\x00\x04MQTT\x04\x02")
	f("PostgreSQL", "\x00\x00\x00\x4e\x00\x03\x00\x00user\x00")
	f("PostgreSQL", "\x00\x00\x00\x08\x04\xd2\x16\x2f")
	f("text", "hello world\r\n")
	f("text", `{"code":105,"opaque":1}`) // a header without its prefix
	f("", "\xff\xff\xff\xff\xff\xff\xff\xff")
	f("", "\x00\x00\x00\x00\x00\x00\x00\x00")
	// A frame of ours that is too long looks like nothing else, and so does one with a bad header.
	f("", string(prefix(17<<20, 300)))
	f("", string(frame(`{"code":1`, "")))
}

func TestAClientHelloLooksLikeTLS(t *testing.T) {
	client, server := net.Pipe()
	go func() { _ = tls.Client(client, &tls.Config{ServerName: "mq.example.com"}).Handshake() }()
	hello := make([]byte, 64)
	_, err := io.ReadFull(server, hello)
	require.NoError(t, err)
	_ = server.Close()
	_, err = codec.ReadPrefix(hello, codec.Limits{})
	require.ErrorContains(t, err, "malformed frame, looks like TLS: length 3")
}
