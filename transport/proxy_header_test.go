package transport

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// v2 writes a version 2 header by hand: command, family and protocol, address block.
func v2(command, family byte, block ...byte) []byte {
	h := append([]byte("\r\n\r\n\x00\r\nQUIT\n"), 0x20|command, family)
	return append(binary.BigEndian.AppendUint16(h, uint16(len(block))), block...)
}

// block4 is 192.0.2.1:1000 -> 192.0.2.2:2000.
var block4 = []byte{192, 0, 2, 1, 192, 0, 2, 2, 1000 >> 8, 1000 & 0xff, 2000 >> 8, 2000 & 0xff}

func TestProxyHeaderSuccess(t *testing.T) {
	f := func(header, want string) {
		t.Helper()
		r := bufio.NewReaderSize(strings.NewReader(header+"frames"), handshakeBuffer)
		got, err := readProxyHeader(r)
		require.NoError(t, err)
		require.Equal(t, want, got.String())
		rest, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, "frames", string(rest), "what follows is not touched")
	}
	none := netip.AddrPort{}.String()
	f("PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\n", "192.0.2.1:1000")
	f("PROXY TCP6 2001:db8::1 2001:db8::2 1000 2000\r\n", "[2001:db8::1]:1000")
	f("PROXY UNKNOWN\r\n", none)
	f("PROXY UNKNOWN ffff:f::1 whatever 1 2\r\n", none)
	f(string(v2(1, 0x11, block4...)), "192.0.2.1:1000")
	f(string(v2(1, 0x11, append(bytes.Clone(block4), bytes.Repeat([]byte{4, 0, 1, 0}, 500)...)...)), "192.0.2.1:1000") // TLVs longer than the buffer
	f(string(v2(1, 0x12, block4...)), none)                                                                            // datagrams
	f(string(v2(1, 0x31, make([]byte, 216)...)), none)                                                                 // a Unix socket
	f(string(v2(0, 0x00)), none)                                                                                       // LOCAL
	f(string(v2(0, 0x11, block4...)), none)
}

func TestProxyHeaderFailure(t *testing.T) {
	f := func(header string) {
		t.Helper()
		_, err := readProxyHeader(bufio.NewReaderSize(strings.NewReader(header), handshakeBuffer))
		require.Error(t, err)
	}
	f("")
	f("PROX")
	f("PROXY")
	f("PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000")           // truncated
	f("PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\n")         // no CR
	f("PROXY TCP4 192.0.2.1 192.0.2.2 1000\r\n")            // a port is missing
	f("PROXY TCP4 192.0.2.1 192.0.2.2 1000 70000\r\n")      // no port
	f("PROXY TCP4 2001:db8::1 2001:db8::2 1000 2000\r\n")   // the other family
	f("PROXY UDP4 192.0.2.1 192.0.2.2 1000 2000\r\n")       // no such thing
	f("proxy TCP4 192.0.2.1 192.0.2.2 1000 2000\r\n")       // in small letters
	f("PROXY UNKNOWN " + strings.Repeat("x", 200) + "\r\n") // longer than 107 bytes
	f("\x00\x00\x00\x40\x00\x00\x00\x20{\"code\":105}")     // a frame
	f("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")       // TLS
	f(string(v2(1, 0x11, block4...))[:20])                  // truncated
	f(string(v2(1, 0x11, block4[:8]...)))                   // too short for its family
	f(string(v2(1, 0x11, make([]byte, 60000)...)))          // 60 kB
	f(string(v2(1, 0x00)))                                  // PROXY for nobody
	f(string(v2(2, 0x11, block4...)))                       // no such command
	f(string(v2(1, 0x13, block4...)))                       // no such protocol
	f(strings.Replace(string(v2(0, 0)), "\x20", "\x30", 1)) // version 3
	f("\r\n\r\n\x00\r\nQUIT!" + string(v2(1, 0x11)[12:]))   // almost the signature
}

func TestProxyHeaderWritten(t *testing.T) {
	f := func(client, reached, want string) {
		t.Helper()
		a, _ := netip.ParseAddrPort(client)
		b, _ := netip.ParseAddrPort(reached)
		require.Equal(t, want, string(proxyHeader(a, b)))
	}
	f("192.0.2.1:1000", "192.0.2.2:2000", string(v2(1, 0x11, block4...)))
	mapped := append([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, block4[:4]...)
	other := netip.MustParseAddr("2001:db8::2").As16()
	f("192.0.2.1:1000", "[2001:db8::2]:2000", string(v2(1, 0x21, append(append(mapped, other[:]...), block4[8:]...)...)))
	f("", "192.0.2.2:2000", string(v2(0, 0)))
}

// Whatever a balancer sends: no panic, no byte beyond the header is taken, and what was understood can be said again.
func FuzzProxyHeader(f *testing.F) {
	f.Add([]byte("PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\nframes"))
	f.Add(v2(1, 0x11, block4...))
	f.Add(v2(0, 0))
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := bufio.NewReaderSize(bytes.NewReader(stream), handshakeBuffer)
		client, err := readProxyHeader(r)
		if err != nil {
			return
		}
		rest, err := io.ReadAll(r)
		require.NoError(t, err)
		require.True(t, bytes.HasSuffix(stream, rest))
		header := stream[:len(stream)-len(rest)]
		if header[0] == 'P' {
			require.LessOrEqual(t, len(header), 107)
			require.True(t, bytes.HasSuffix(header, []byte("\r\n")))
		} else {
			require.Equal(t, 16+int(binary.BigEndian.Uint16(header[14:])), len(header))
		}
		if client.IsValid() {
			again, err := readProxyHeader(bufio.NewReader(bytes.NewReader(proxyHeader(client, client))))
			require.NoError(t, err)
			require.Equal(t, client, again)
		}
	})
}
