package actors_test

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// virtual is a network in memory, for tests in virtual time. Its addresses are host:port as everywhere; where nobody
// listens, connections are refused.
type virtual struct {
	*transport.Net

	mu     sync.Mutex
	places map[string]*virtualPlace
	fails  map[string]error // dials to an address fail so; a nil error makes them hang
	dials  map[string]int
	names  map[string]string // addresses with a host name, and where they lead
	last   uint16            // port that was given for 0
}

func newVirtual() *virtual {
	v := &virtual{places: map[string]*virtualPlace{}, fails: map[string]error{}, dials: map[string]int{}, names: map[string]string{}, last: 40000}
	v.Net = &transport.Net{Dialer: v.dial}
	return v
}

// virtualPlace is one listening socket.
type virtualPlace struct {
	v       *virtual
	address netip.AddrPort
	come    chan net.Conn
	closed  chan struct{}
	once    sync.Once
	mu      sync.Mutex
	sink    transport.Sink

	refusing bool // under the network's lock
}

// Listen opens a listening socket; port 0 is any.
func (v *virtual) Listen(address string) (transport.Listener, error) { return v.listen(address) }

func (v *virtual) listen(address string) (*virtualPlace, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	a := netip.MustParseAddrPort(address)
	if a.Port() == 0 {
		v.last += 10
		a = netip.AddrPortFrom(a.Addr(), v.last)
	}
	if v.places[a.String()] != nil {
		return nil, fmt.Errorf("listen %s: %w", a, syscall.EADDRINUSE)
	}
	p := &virtualPlace{v: v, address: a, come: make(chan net.Conn), closed: make(chan struct{})}
	v.places[a.String()] = p
	return p, nil
}

func (v *virtual) dial(ctx context.Context, _, address string) (net.Conn, error) {
	v.mu.Lock()
	if meant, ok := v.names[address]; ok {
		address = meant
	}
	v.dials[address]++
	p := v.places[address]
	err, fails := v.fails[address]
	v.mu.Unlock()
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

// connect connects from an address, also to a socket that refuses, as one does who was in its queue already.
func (p *virtualPlace) connect(from netip.AddrPort) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.come <- addressed{far, p.address, from}:
		return addressed{near, from, p.address}, nil
	case <-p.closed:
		return nil, fmt.Errorf("dial %s: %w", p.address, syscall.ECONNREFUSED)
	}
}

// addressed is a pipe with the addresses of a socket.
type addressed struct {
	net.Conn
	local, remote netip.AddrPort
}

func (a addressed) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(a.local) }
func (a addressed) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(a.remote) }

// serve has a server at an address; f gets each connection to it.
func (v *virtual) serve(address string, f func(nc net.Conn)) error {
	p, err := v.listen(address)
	if err == nil {
		go p.each(f)
	}
	return err
}

// place is the open socket at an address; nil: there is none.
func (v *virtual) place(address string) *virtualPlace {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.places[address]
}

// close closes all open sockets.
func (v *virtual) close() {
	v.mu.Lock()
	open := slices.Collect(maps.Values(v.places))
	v.mu.Unlock()
	for _, p := range open {
		p.Close()
	}
}

// dialed counts the dials to an address.
func (v *virtual) dialed(address string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.dials[address]
}

// fail makes dials to an address fail from now on; nil: hang.
func (v *virtual) fail(address string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.fails[address] = err
}

func (p *virtualPlace) Addr() netip.AddrPort { return p.address }

func (p *virtualPlace) Accept(sink transport.Sink) {
	p.mu.Lock()
	p.sink = sink
	p.mu.Unlock()
	p.once.Do(func() {
		go p.each(func(nc net.Conn) {
			p.mu.Lock()
			sink := p.sink
			p.mu.Unlock()
			sink.Deliver(&transport.Accepted{Conn: p.v.Wrap(nc)})
		})
	})
}

// Refuse is part of transport.Listener: the port stays taken.
func (p *virtualPlace) SetPaused(on bool) error {
	p.v.mu.Lock()
	defer p.v.mu.Unlock()
	p.refusing = on
	return nil
}

func (p *virtualPlace) refuses() bool {
	p.v.mu.Lock()
	defer p.v.mu.Unlock()
	return p.refusing
}

func (p *virtualPlace) each(f func(net.Conn)) {
	for {
		select {
		case nc := <-p.come:
			f(nc)
		case <-p.closed:
			return
		}
	}
}

func (p *virtualPlace) Close() {
	p.v.mu.Lock()
	defer p.v.mu.Unlock()
	if p.v.places[p.address.String()] == p {
		delete(p.v.places, p.address.String())
		close(p.closed)
	}
}

func serveConn(nc net.Conn, handle func(*codec.Command) *codec.Command) {
	defer nc.Close()
	r := bufio.NewReaderSize(nc, 64<<10)
	for {
		c, _, err := codec.ReadCommand(r, codec.Limits{})
		if err != nil {
			return
		}
		if c.IsResponse() || c.IsOneway() {
			continue
		}
		if a := handle(c); a != nil {
			if _, err := nc.Write(proxytest.Frame(a)); err != nil {
				return
			}
		}
	}
}
