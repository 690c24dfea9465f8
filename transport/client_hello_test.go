package transport_test

import (
	"crypto/tls"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// helloOf is what a TLS client that wants these protocols says first.
func helloOf(t *testing.T, protocols ...string) []byte {
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() {
		tls.Client(theirs, &tls.Config{InsecureSkipVerify: true, NextProtos: protocols}).Handshake()
		theirs.Close()
	}()
	b := make([]byte, 64<<10)
	n, err := ours.Read(b)
	require.NoError(t, err)
	return b[:n]
}

func TestOnlyTLSClientsThatWantHTTP2OfferIt(t *testing.T) {
	require.True(t, transport.OffersHTTP2(helloOf(t, "h2")))
	require.True(t, transport.OffersHTTP2(helloOf(t, "http/1.1", "h2")))
	require.False(t, transport.OffersHTTP2(helloOf(t, "http/1.1")))
	require.False(t, transport.OffersHTTP2(helloOf(t)), "as remoting clients")
	require.False(t, transport.OffersHTTP2([]byte("\x16\x03\x01\x00\x04nonsense")))
	long := helloOf(t)
	for n := 1; n < len(long); n++ {
		require.True(t, transport.OffersHTTP2(long[:n]), "the rest may offer it")
	}
}
