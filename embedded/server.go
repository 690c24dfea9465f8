package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// idleTimeout is when servers close a silent connection (NettyServerConfig.java#serverChannelMaxIdleTimeSeconds).
const idleTimeout = 120 * time.Second

// server is what brokers and name servers have in common: an address, connections, faults and counters.
// Its methods that begin with a capital letter are part of both.
type server struct {
	clock  Clock
	log    *slog.Logger
	handle func(*request)    // called on the connection's reading goroutine, in the order of arrival
	gone   func(*connection) // called once a connection has ended

	faults  faultList
	seen    counters
	vip     bool  // listen on port-2 as well
	version int32 // that answers carry

	mu        sync.Mutex
	addr      string // fixed by the first listen
	listeners []net.Listener
	conns     map[*connection]struct{}
	gate      chan struct{} // not nil: no connection is read until it is closed
	watch     []func(peer string, request *codec.Command)
	wg        sync.WaitGroup
}

// Addr is the address that clients dial. It stays the same over restarts.
func (s *server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr
}

// open listens on the server's address; port 0 is replaced for good by the one that was given.
func (s *server) open() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	lns, err := s.listen()
	if err != nil {
		return fmt.Errorf("cannot listen on %q: %w", s.addr, err)
	}
	s.addr = lns[0].Addr().String()
	s.listeners = lns
	s.conns = make(map[*connection]struct{})
	for i, ln := range lns {
		s.wg.Add(1)
		go s.acceptLoop(ln, i > 0)
	}
	return nil
}

// listen takes the address and, with a VIP channel, the port two below; where any port will do it tries several pairs.
func (s *server) listen() ([]net.Listener, error) {
	_, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		return nil, err
	}
	for tries := 1; ; tries++ {
		ln, err := net.Listen("tcp", s.addr)
		if err != nil || !s.vip {
			return []net.Listener{ln}, err
		}
		host, p, _ := net.SplitHostPort(ln.Addr().String())
		n, _ := strconv.Atoi(p)
		vip, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(n-2)))
		if err == nil {
			return []net.Listener{ln, vip}, nil
		}
		ln.Close()
		if port != "0" || tries == 50 {
			return nil, err
		}
	}
}

func (s *server) acceptLoop(ln net.Listener, vip bool) {
	defer s.wg.Done()
	for {
		nc, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.log.Warn("cannot accept connection", "listener", ln.Addr().String(), "error", err)
			time.Sleep(50 * time.Millisecond) // out of file descriptors, most likely: ones may come free
			continue
		}
		s.mu.Lock()
		if s.listeners == nil {
			s.mu.Unlock()
			nc.Close()
			return
		}
		c := newConnection(s, nc, vip)
		s.conns[c] = struct{}{}
		s.wg.Add(2)
		s.mu.Unlock()
		s.seen.changed()
		go c.readLoop()
		go c.writeLoop()
	}
}

// shut closes everything and waits until no goroutine of this server is left.
func (s *server) shut() {
	s.mu.Lock()
	for _, ln := range s.listeners {
		ln.Close()
	}
	s.listeners = nil
	if s.gate != nil {
		close(s.gate)
		s.gate = nil
	}
	conns := s.connections()
	s.mu.Unlock()
	for _, c := range conns {
		c.close()
	}
	s.wg.Wait()
}

// connections lists them in the order of their ages. s.mu is held.
func (s *server) connections() []*connection {
	conns := make([]*connection, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	slices.SortFunc(conns, func(a, b *connection) int { return int(a.id - b.id) })
	return conns
}

func (s *server) forget(c *connection) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.gone(c)
	s.seen.changed()
}

// Connections is the number of open connections.
func (s *server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// CloseConnections closes all connections; the server goes on listening. It returns how many there were.
func (s *server) CloseConnections() int {
	s.mu.Lock()
	conns := s.connections()
	s.mu.Unlock()
	for _, c := range conns {
		c.close()
	}
	return len(conns)
}

// PauseReading makes the server read no further request, as one that is stuck: senders feel back-pressure. A
// connection may still take up to 64 KiB that it is reading already. ResumeReading, Stop and Close end it.
func (s *server) PauseReading() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gate == nil {
		s.gate = make(chan struct{})
	}
}

// ResumeReading ends PauseReading.
func (s *server) ResumeReading() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gate != nil {
		close(s.gate)
		s.gate = nil
	}
}

func (s *server) waitGate() {
	s.mu.Lock()
	gate := s.gate
	s.mu.Unlock()
	if gate != nil {
		<-gate
	}
}

// closeIdle closes connections that have been silent for too long.
func (s *server) closeIdle() {
	limit := s.clock.Now().Add(-idleTimeout).UnixNano()
	s.mu.Lock()
	conns := s.connections()
	s.mu.Unlock()
	for _, c := range conns {
		if c.lastIO.Load() < limit {
			c.close()
		}
	}
}
