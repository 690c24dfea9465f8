//go:build linux

package wire

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
)

// ClientTLS accepts any certificate: what is measured is what encryption costs, with one cipher for all candidates.
func ClientTLS() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}
}

// Terminate listens with TLS on a free port and connects each client to a plain address: a loop serves TLS without
// knowing of it. It costs this process time, which is not what is measured.
func Terminate(certificate tls.Certificate, plain netip.AddrPort) (netip.AddrPort, error) {
	secure := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13}
	return bridge(func(nc net.Conn) (net.Conn, net.Conn, error) {
		there, err := net.Dial("tcp", plain.String())
		return tls.Server(nc, secure), there, err
	})
}

// Originate listens on a free port and connects each client with TLS to an address.
func Originate(secured netip.AddrPort) (netip.AddrPort, error) {
	return bridge(func(nc net.Conn) (net.Conn, net.Conn, error) {
		there, err := tls.Dial("tcp", secured.String(), ClientTLS())
		if err != nil {
			return nc, nil, err
		}
		return nc, there, sameCipher(there)
	})
}

// sameCipher refuses any cipher but the one that all candidates are told to use.
func sameCipher(c *tls.Conn) error {
	if got := c.ConnectionState().CipherSuite; got != tls.TLS_AES_128_GCM_SHA256 {
		return fmt.Errorf("the candidate has chosen %s instead of %s", tls.CipherSuiteName(got), tls.CipherSuiteName(tls.TLS_AES_128_GCM_SHA256))
	}
	return nil
}

// bridge accepts, has join say which two connections belong together, and copies both ways until one of them ends.
func bridge(join func(net.Conn) (here, there net.Conn, err error)) (netip.AddrPort, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, err
	}
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				fmt.Fprintln(os.Stderr, "bench: cannot accept:", err)
				return
			}
			go connect(nc, join)
		}
	}()
	return netip.ParseAddrPort(l.Addr().String())
}

func connect(nc net.Conn, join func(net.Conn) (here, there net.Conn, err error)) {
	here, there, err := join(nc)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: cannot bridge to TLS:", err)
		nc.Close()
		return
	}
	go pump(here, there)
	pump(there, here)
}

// pump copies one way and ends both.
func pump(to, from net.Conn) {
	io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, 32<<10)) //nolint:errcheck // an end is an end
	to.Close()
	from.Close()
}
