package proxytest

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"

	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Network is a network in memory, for tests in virtual time, and the transport of a proxy on it. Its addresses are
// host:port as everywhere; where nobody listens, connections are refused.
type Network struct {
	*transport.Net

	mu    sync.Mutex
	ports map[string]*port
	fails map[string]error // dials to an address fail so; a nil error makes them hang
	dials map[string]int
	names map[string]string // name:port, and the address that it stands for
	last  uint16            // port that was given for 0
}

// NewNetwork makes a network on which nobody listens.
func NewNetwork() *Network {
	n := &Network{ports: map[string]*port{}, fails: map[string]error{}, dials: map[string]int{}, names: map[string]string{}, last: 40000}
	n.Net = &transport.Net{Dialer: n.Connect}
	return n
}

// port is one listening socket.
type port struct {
	n       *Network
	address netip.AddrPort
	come    chan net.Conn
	closed  chan struct{}
	once    sync.Once
	mu      sync.Mutex
	sink    transport.Sink

	paused bool // under the network's lock
}

// Listen opens a listening socket; port 0 is any.
func (n *Network) Listen(address string) (transport.Listener, error) { return n.listen(address) }

func (n *Network) listen(address string) (*port, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := netip.MustParseAddrPort(address)
	if a.Port() == 0 {
		n.last += 10
		a = netip.AddrPortFrom(a.Addr(), n.last)
	}
	if n.ports[a.String()] != nil {
		return nil, fmt.Errorf("listen %s: %w", a, syscall.EADDRINUSE)
	}
	p := &port{n: n, address: a, come: make(chan net.Conn), closed: make(chan struct{})}
	n.ports[a.String()] = p
	return p, nil
}

// Connect connects to an address, as a dialer does.
func (n *Network) Connect(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	if named, ok := n.names[address]; ok {
		address = named
	}
	n.dials[address]++
	p := n.ports[address]
	err, fails := n.fails[address]
	n.mu.Unlock()
	switch {
	case fails && err == nil:
		<-ctx.Done()
		return nil, fmt.Errorf("dial %s: %w", address, os.ErrDeadlineExceeded)
	case fails:
		return nil, fmt.Errorf("dial %s: %w", address, err)
	case p == nil || p.refuses():
		return nil, fmt.Errorf("dial %s: %w", address, syscall.ECONNREFUSED)
	}
	return p.connect(netip.AddrPort{})
}

// connect connects from an address, also to a paused port, as a client does that was in its queue already.
func (p *port) connect(from netip.AddrPort) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.come <- pipe{far, p.address, from}:
		return pipe{near, from, p.address}, nil
	case <-p.closed:
		return nil, fmt.Errorf("dial %s: %w", p.address, syscall.ECONNREFUSED)
	}
}

// pipe is one end of a connection in memory, with the addresses of a socket.
type pipe struct {
	net.Conn
	local, remote netip.AddrPort
}

func (p pipe) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(p.local) }
func (p pipe) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(p.remote) }

// port is the open socket at an address; nil: there is none.
func (n *Network) port(address string) *port {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ports[address]
}

// Listens reports that a socket is open at an address, be it paused.
func (n *Network) Listens(address string) bool { return n.port(address) != nil }

// Close closes all listening sockets.
func (n *Network) Close() {
	n.mu.Lock()
	open := slices.Collect(maps.Values(n.ports))
	n.mu.Unlock()
	for _, p := range open {
		p.Close()
	}
}

// Dials counts the dials to an address.
func (n *Network) Dials(address string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dials[address]
}

// Fail makes dials to an address fail from now on; nil: hang.
func (n *Network) Fail(address string, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fails[address] = err
}

// Name has a name with a port, as in "ns.example:9876", stand for an address from now on.
func (n *Network) Name(name, address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[name] = address
}

// Lookup finds the address of a name, as a cluster's Lookup does.
func (n *Network) Lookup(_ context.Context, _, host string) (found []netip.Addr, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for name, address := range n.names {
		if h, _, _ := net.SplitHostPort(name); h == host {
			found = append(found, netip.MustParseAddrPort(address).Addr())
		}
	}
	if found == nil {
		err = &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return found, err
}

// Addr is part of transport.Listener.
func (p *port) Addr() netip.AddrPort { return p.address }

// Accept is part of transport.Listener.
func (p *port) Accept(sink transport.Sink) {
	p.mu.Lock()
	p.sink = sink
	p.mu.Unlock()
	p.once.Do(func() {
		go p.each(func(nc net.Conn) {
			p.mu.Lock()
			sink := p.sink
			p.mu.Unlock()
			sink.Deliver(&transport.Accepted{Conn: p.n.Wrap(nc)})
		})
	})
}

// SetPaused is part of transport.Listener: the port stays taken.
func (p *port) SetPaused(on bool) error {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	p.paused = on
	return nil
}

func (p *port) refuses() bool {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	return p.paused
}

// each calls f with each connection until the port is closed.
func (p *port) each(f func(net.Conn)) {
	for {
		select {
		case nc := <-p.come:
			f(nc)
		case <-p.closed:
			return
		}
	}
}

// Close is part of transport.Listener.
func (p *port) Close() {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	if p.n.ports[p.address.String()] == p {
		delete(p.n.ports, p.address.String())
		close(p.closed)
	}
}
