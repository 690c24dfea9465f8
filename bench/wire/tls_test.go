//go:build linux

package wire

import (
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/internal/testca"
)

// What goes into the plain end of one bridge comes out of the plain end of the other, encrypted in between.
func TestBridges(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer echo.Close()
	go func() {
		for {
			nc, err := echo.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(nc, nc) //nolint:errcheck // its end is the client's
				nc.Close()
			}()
		}
	}()
	secured, err := Terminate(testca.New(t).Certificate(t, "sink"), netip.MustParseAddrPort(echo.Addr().String()))
	require.NoError(t, err)
	plain, err := Originate(secured)
	require.NoError(t, err)
	for _, dial := range []func() (net.Conn, error){
		func() (net.Conn, error) { return net.Dial("tcp", plain.String()) },
		func() (net.Conn, error) { return tls.Dial("tcp", secured.String(), ClientTLS()) },
	} {
		nc, err := dial()
		require.NoError(t, err)
		_, err = nc.Write([]byte("hello"))
		require.NoError(t, err)
		got := make([]byte, 5)
		_, err = io.ReadFull(nc, got)
		require.NoError(t, err)
		require.Equal(t, "hello", string(got))
		require.NoError(t, nc.Close())
	}
}
