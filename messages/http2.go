package messages

import "net"

// HTTP2 brings a connection whose client speaks gRPC, or TLS on a port without a certificate, to its listener.
type HTTP2 struct {
	Conn net.Conn // with what was read of it
	TLS  bool
}

// Discard is for a message whose receiver is gone.
func (m *HTTP2) Discard() { m.Conn.Close() }
