package transport

import (
	"errors"
	"net"
)

// Take takes the socket out of a connection whose peer speaks another protocol, when the first chunk has nothing but Err: on
// the connection's executor, before the chunk is released, with what was read Beyond. What is returned reads those bytes
// first, and belongs to the caller; the connection ends as it does after such a chunk.
func Take(conn Conn, beyond []byte) (net.Conn, error) {
	c, ok := conn.(taken)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	remote, local := c.Remote(), c.Local()
	nc, err := c.take()
	if err != nil {
		return nil, err
	}
	return &takenConn{Conn: nc, ahead: append([]byte(nil), beyond...), remote: tcpAddr(remote), local: tcpAddr(local)}, nil
}

// taken is a connection whose socket can be used by somebody else.
type taken interface {
	Conn
	take() (net.Conn, error)
}

// takenConn is a socket of which some bytes were read already.
type takenConn struct {
	net.Conn
	ahead         []byte
	remote, local net.Addr
}

func (c *takenConn) Read(b []byte) (int, error) {
	if len(c.ahead) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.ahead)
	if c.ahead = c.ahead[n:]; len(c.ahead) == 0 {
		c.ahead = nil
	}
	return n, nil
}

// RemoteAddr is the client's, also behind a PROXY header.
func (c *takenConn) RemoteAddr() net.Addr { return c.remote }

// LocalAddr is the one that the client has reached.
func (c *takenConn) LocalAddr() net.Addr { return c.local }
