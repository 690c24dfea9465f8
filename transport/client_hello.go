package transport

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"time"
)

// OffersHTTP2 reports whether a TLS client that began with these bytes wants to speak HTTP/2 (ALPN, RFC 7301), or may
// want to: its hello can go on in bytes that were not read yet.
func OffersHTTP2(begin []byte) bool {
	offers := false
	err := tls.Server(&hello{Reader: bytes.NewReader(begin)}, &tls.Config{
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			offers = slices.Contains(h.SupportedProtos, "h2")
			return nil, errHelloRead
		},
	}).Handshake()
	return offers || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

var errHelloRead = errors.New("the hello was read")

// hello is a connection that has said what it says, and takes no answer.
type hello struct {
	io.Reader
	net.Conn // nil
}

func (h *hello) Read(b []byte) (int, error)     { return h.Reader.Read(b) }
func (*hello) Write(b []byte) (int, error)      { return len(b), nil }
func (*hello) Close() error                     { return nil }
func (*hello) SetDeadline(time.Time) error      { return nil }
func (*hello) SetReadDeadline(time.Time) error  { return nil }
func (*hello) SetWriteDeadline(time.Time) error { return nil }
func (*hello) LocalAddr() net.Addr              { return nil }
func (*hello) RemoteAddr() net.Addr             { return nil }
