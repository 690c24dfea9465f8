package connection

import (
	"errors"
	"net"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// lent is a connection whose socket gRPC has. What remains of it stands for the client: it holds the permit, is counted, reported and
// waited for, until the socket is closed.
type lent struct {
	leaving        bool // it ends when no call is under way
	socket         *lentSocket
	client         *messages.GRPCClient
	received, sent int64 // that are counted
}

// lentSocket tells its connection when it is closed, and counts.
type lentSocket struct {
	net.Conn
	client *messages.GRPCClient
	over   atomic.Bool
	closed func() // may close it again
}

// Read is part of net.Conn.
func (s *lentSocket) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	s.client.Received.Add(int64(n))
	return n, err
}

// Write is part of net.Conn.
func (s *lentSocket) Write(b []byte) (int, error) {
	n, err := s.Conn.Write(b)
	s.client.Sent.Add(int64(n))
	return n, err
}

// Close is part of net.Conn.
func (s *lentSocket) Close() error {
	err := s.Conn.Close()
	if !s.over.Swap(true) {
		s.closed()
	}
	return err
}

// returned tells a connection that the socket which it has lent is closed.
type returned struct{}

// passedOn lends the socket of a client that speaks gRPC from its first byte on to the listener's gRPC. It reports false when the
// client does not, or the port serves none.
func (c *connection) passedOn(ch *transport.Chunk) bool {
	var malformed *codec.FrameError
	if c.in.heard || len(ch.B) > 0 || c.port.Speaks == nil || !errors.As(ch.Err, &malformed) || !c.port.Speaks(malformed.LooksLike) {
		return false
	}
	secured := malformed.LooksLike == codec.LooksLikeTLS
	if secured && !transport.OffersHTTP2(ch.Beyond) {
		return false
	}
	nc, err := transport.Take(c.out.sock, ch.Beyond)
	if err != nil {
		return false
	}
	ch.Release()
	c.out.sock.Close() // the taken one stays open
	client := &messages.GRPCClient{Now: c.env.Now}
	c.lent = &lent{client: client}
	c.lent.socket = &lentSocket{Conn: nc, client: client, closed: func() { c.self.Deliver(&returned{}) }}
	c.ctx.Send(c.listener, &messages.HTTP2{Conn: c.lent.socket, TLS: secured, Client: client})
	return true
}

// receive is what is left to do for a connection whose socket is lent.
func (l *lent) receive(c *connection, ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *returned:
		c.stop()
	case *messages.Tick:
		l.count(c)
		l.leaveWhenIdle(c)
	case *messages.HandOver: // what HTTP/2 has agreed on cannot go to another process
		ctx.Respond(&messages.NotNow{Never: true})
	case *messages.Depart:
		l.leaving = l.leaving || m.Ports[c.port]
		if m.Ports[c.port] && m.Now {
			c.stop()
		}
		l.leaveWhenIdle(c)
	case *messages.Report:
		ctx.Send(m.To, l.report(c))
	case *transport.Chunk:
		m.Release()
	case *actor.Stopping:
		c.env.CleanUp(func() { l.end(c) })
	}
	c.samples.flush(c.recorder, c.port)
}

// leaveWhenIdle ends a connection whose port was closed.
func (l *lent) leaveWhenIdle(c *connection) {
	if l.leaving && l.client.Idle() {
		c.stop()
	}
}

// end gives everything back.
func (l *lent) end(c *connection) {
	l.socket.Close()
	l.count(c)
	c.close()
}

// count counts the bytes since the last time.
func (l *lent) count(c *connection) {
	received, sent := l.client.Received.Load(), l.client.Sent.Load()
	if received == l.received && sent == l.sent {
		return
	}
	n := c.samples.note()
	n.DownstreamReceived += received - l.received
	n.DownstreamSent += sent - l.sent
	l.received, l.sent = received, sent
}

// report describes the client for the admin pages.
func (l *lent) report(c *connection) *messages.ClientReport {
	now := c.env.Now()
	r := &messages.ClientReport{
		Listener: c.port.Listener, Role: c.port.Role.String(), Protocol: "grpc",
		Remote: l.socket.RemoteAddr().String(), Local: l.socket.LocalAddr().String(), Age: seconds(now - c.born),
	}
	l.client.Describe(r, now)
	return r
}
