package transport

import (
	"bufio"
	"net"
	"net/netip"

	"github.com/pires/go-proxyproto"
)

// readProxyHeader takes a PROXY protocol header, v1 or v2, off the front of a stream and returns the client's address
// in it. The address is invalid where the header names none that could be one of ours: LOCAL, as balancers say of
// their own health checks, UNKNOWN, and addresses that are not TCP over IP. Then the socket's own counts.
//
// A v1 header must come in one piece, as its specification wants it sent.
func readProxyHeader(r *bufio.Reader) (netip.AddrPort, error) {
	h, err := proxyproto.Read(r)
	if err != nil {
		return netip.AddrPort{}, err
	}
	source, _, ok := h.TCPAddrs()
	if !ok || h.Command.IsLocal() {
		return netip.AddrPort{}, nil
	}
	return addrPort(source), nil
}

// proxyHeader is a v2 header that says which client is behind a connection. Without an address it is LOCAL, which makes the
// receiver use the socket's.
func proxyHeader(client, reached netip.AddrPort) []byte {
	h := proxyproto.HeaderProxyFromAddrs(2, tcpAddr(client), tcpAddr(reached))
	b, err := h.Format()
	if err != nil {
		panic("BUG: a PROXY header of two addresses cannot be written: " + err.Error())
	}
	return b
}

// tcpAddr is nil as an interface where there is no address.
func tcpAddr(ap netip.AddrPort) net.Addr {
	if !ap.IsValid() {
		return nil
	}
	return net.TCPAddrFromAddrPort(ap)
}
