package transport

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Net is the transport on goroutines, for every system and for sockets that are not the kernel's (TLS, pipes).
//
// Its numbers are what it begins with: Tune replaces them.
type Net struct {
	Limits      codec.Limits
	Window      int           // bytes in chunks that a connection may have handed out; 0: 512 KiB
	Budget      int           // bytes that the chunks of all connections may hold; 0: no limit
	DialTimeout time.Duration // 0: 2 s
	// Dialer opens connections; nil: the system's.
	Dialer func(ctx context.Context, network, address string) (net.Conn, error)

	held holding

	tuned atomic.Pointer[tuning]
}

// Listen opens a listening socket.
func (t *Net) Listen(address string) (Listener, error) {
	ln, err := (&net.ListenConfig{KeepAlive: keepAlive}).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, err
	}
	return newNetListener(ln, func() (Conn, error) {
		nc, err := ln.Accept()
		if err != nil {
			return nil, err
		}
		return t.Wrap(nc), nil
	}), nil
}

// keepAlive finds peers that vanished without a word; the idle timer alone would not for a client that waits.
const keepAlive = 60 * time.Second

// Dial begins to connect.
func (t *Net) Dial(address string, d Downstream, sink Sink) Conn {
	return t.dial(address, d, opening{}, sink)
}

func (t *Net) dial(address string, d Downstream, o opening, sink Sink) Conn {
	c := t.newConn(nil)
	c.sink = sink
	if d.On != nil {
		c.home = d.On
	}
	go c.dial(address, o)
	return c
}

// Towards returns a dialer that begins connections as u says.
func (t *Net) Towards(u UpstreamHandshake) Dialer { return netDialer{t, u} }

type netDialer struct {
	t *Net
	u UpstreamHandshake
}

func (n netDialer) Dial(address string, d Downstream, sink Sink) Conn {
	return n.t.dial(address, d, n.u.opening(d), sink)
}

// Executors is the one of sockets without a loop.
func (t *Net) Executors() []Executor { return []Executor{Inline{}} }

// Wrap makes a Conn of an open connection.
func (t *Net) Wrap(nc net.Conn) Conn {
	c := t.newConn(nc)
	c.ready = true
	return c
}

func (t *Net) open(address string, o opening) (net.Conn, error) {
	nc, err := t.connect(address)
	if err != nil {
		return nil, err
	}
	secured, err := o.begin(nc, address)
	if err != nil {
		nc.Close()
	}
	return secured, err
}

func (t *Net) connect(address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), t.tuning().dialTimeout)
	defer cancel()
	if t.Dialer != nil {
		return t.Dialer(ctx, "tcp", address)
	}
	return (&net.Dialer{KeepAlive: keepAlive}).DialContext(ctx, "tcp", address)
}

func addrPort(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		ap := tcp.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}
