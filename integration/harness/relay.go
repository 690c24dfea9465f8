package harness

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Relay passes connections on to an address that can be changed. In front of name servers it is a name server whose
// answers change.
type Relay struct {
	ln   net.Listener
	pass func(client, server net.Conn) // copies both ways until one end closes

	mu    sync.Mutex
	to    string
	conns map[net.Conn]bool
}

// StartRelay starts a relay that ends with the test.
func StartRelay(t *testing.T, to string) *Relay {
	t.Helper()
	return startRelay(t, "127.0.0.1", to, passAll)
}

// StartNAT starts a relay at an address that no server has, as clients meet it that are in another network.
func StartNAT(t *testing.T) *Relay {
	t.Helper()
	return startRelay(t, outsideAddress, "", passAll)
}

func passAll(client, server net.Conn) {
	go func() {
		_, _ = io.Copy(server, client) // an error ends the connection, as its end does
		server.Close()
	}()
	_, _ = io.Copy(client, server)
}

func startRelay(t *testing.T, host, to string, pass func(client, server net.Conn)) *Relay {
	t.Helper()
	ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	r := &Relay{ln: ln, pass: pass, to: to, conns: make(map[net.Conn]bool)}
	go r.accept()
	t.Cleanup(func() {
		ln.Close()
		r.Switch("")
	})
	return r
}

// Address is where the relay listens.
func (r *Relay) Address() string { return r.ln.Addr().String() }

// Switch ends the connections of the relay and has the next ones go to another address.
func (r *Relay) Switch(to string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.to = to
	for nc := range r.conns {
		nc.Close()
	}
}

func (r *Relay) accept() {
	for {
		nc, err := r.ln.Accept()
		if err != nil {
			return
		}
		go r.relay(nc)
	}
}

func (r *Relay) relay(client net.Conn) {
	defer client.Close()
	server, err := ownDialer().Dial("tcp", r.destination(client))
	if err != nil {
		return
	}
	defer server.Close()
	defer r.forget(client)
	r.pass(client, server)
}

func (r *Relay) destination(client net.Conn) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns[client] = true
	return r.to
}

func (r *Relay) forget(client net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, client)
}
