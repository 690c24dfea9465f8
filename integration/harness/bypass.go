package harness

import (
	"fmt"
	"maps"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// On one machine clients reach real servers as well as the proxy, so a story that went past the proxy would succeed. So
// the sockets of all clients are watched: those of their processes, and those of this process, where the Go clients are.
// What the harness itself connects to comes from an address of its own (ownAddress) and is not looked at.

// bypassInterval is how often sockets are looked at. Clients keep their connections until they are shut down.
const bypassInterval = 100 * time.Millisecond

var bypasses = bypassWatch{
	servers: make(map[int]guarded), resolved: make(map[string]bool),
	clients: map[int]map[string]bool{os.Getpid(): {}}, start: new(sync.Once),
}

// bypassWatch finds connections of clients to servers behind a proxy.
type bypassWatch struct {
	start *sync.Once

	mu       sync.Mutex
	servers  map[int]guarded         // by port
	clients  map[int]map[string]bool // which servers each client process was seen to be connected to, by pid
	resolved map[string]bool         // inodes of sockets that are known to be of no client, or are noted
	err      error
}

// guarded is a server that no client may connect to.
type guarded struct {
	name string
	open bool // clients of this process may
}

// GuardServer has the watch report each client that connects to an address before the test ends.
func GuardServer(t *testing.T, name, address string) {
	t.Helper()
	port, err := portOf(address)
	if err != nil {
		t.Fatal(err)
	}
	bypasses.guard(map[int]string{port: name})
	t.Cleanup(func() {
		bypasses.mu.Lock()
		defer bypasses.mu.Unlock()
		delete(bypasses.servers, port)
	})
}

// ownDialer is what the harness connects with, so that the watch tells its connections from those of clients.
func ownDialer() *net.Dialer { return &net.Dialer{LocalAddr: &net.TCPAddr{IP: ownAddress}} }

func portOf(address string) (int, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(port)
}

// guard adds servers, unless clients are to be without a proxy.
func (w *bypassWatch) guard(servers map[int]string) {
	if os.Getenv("ROCKETMQ_DIRECT") == "1" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for port, name := range servers {
		w.servers[port] = guarded{name: name}
	}
	clear(w.resolved)
	w.start.Do(func() { go w.run() })
}

// open lets clients of this process connect to servers.
func (w *bypassWatch) open(servers map[int]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for port, name := range servers {
		w.servers[port] = guarded{name: name, open: true}
	}
}

func (w *bypassWatch) run() {
	for range time.Tick(bypassInterval) {
		if err := w.look(); err != nil {
			w.mu.Lock()
			w.err = err
			w.mu.Unlock()
			return
		}
	}
}

// look takes one sample.
func (w *bypassWatch) look() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen, err := connections()
	if err != nil {
		return err
	}
	leads := make(map[string]guarded) // by inode
	for _, c := range seen {
		if server, ok := w.servers[c.remotePort]; ok && !c.own && !w.resolved[c.inode] {
			leads[c.inode] = server
		}
	}
	if len(leads) == 0 {
		return nil
	}
	for pid, to := range w.clients {
		inodes, err := socketsOf(pid)
		if err != nil {
			return err
		}
		for _, inode := range inodes {
			if server, ok := leads[inode]; ok && !(server.open && pid == os.Getpid()) {
				to[server.name] = true
			}
		}
	}
	for inode := range leads { // of a proxy, or noted: it is not looked for again
		w.resolved[inode] = true
	}
	return nil
}

// take returns what a process was seen to be connected to, past the proxy, and forgets it.
func (w *bypassWatch) take(pid int) ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := slices.Sorted(maps.Keys(w.clients[pid]))
	clear(w.clients[pid])
	return seen, w.err
}

// watch has the sockets of one more process looked at.
func (w *bypassWatch) watch(pid int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clients[pid] = make(map[string]bool)
	clear(w.resolved)
}

// WatchBypasses fails the test if this client process connects to a server behind a proxy before the test ends.
func (p *Process) WatchBypasses(t *testing.T) {
	t.Helper()
	pid := p.cmd.Process.Pid
	bypasses.watch(pid)
	t.Cleanup(func() { requireNoBypass(t, p.Name, pid) })
}

func requireNoBypass(t *testing.T, name string, pid int) {
	t.Helper()
	if err := bypasses.look(); err != nil {
		t.Errorf("cannot watch the sockets of clients: %v", err)
	}
	seen, err := bypasses.take(pid)
	if err != nil {
		t.Errorf("cannot watch the sockets of clients: %v", err)
	}
	if len(seen) > 0 {
		t.Errorf("%s was connected past the proxy, to %q", name, seen)
	}
	if pid != os.Getpid() {
		bypasses.mu.Lock()
		delete(bypasses.clients, pid)
		bypasses.mu.Unlock()
	}
}

// RequireNoBypass fails the test if a client of this process was connected to a server behind a proxy, in this test or in
// one that ran at the same time.
func RequireNoBypass(t *testing.T) {
	t.Helper()
	requireNoBypass(t, "a client in the process of the tests", os.Getpid())
}

// embeddedServers is the line in which `dev` tells where its own servers listen.
var embeddedServers = regexp.MustCompile(`embedded RocketMQ: name server (\S+), (\S+) on (\S+)`)

// guardEmbedded guards the servers of `dev`.
func guardEmbedded(p *Proxy) error {
	text, err := os.ReadFile(p.LogPath)
	if err != nil {
		return fmt.Errorf("cannot see where the embedded servers listen: %w", err)
	}
	found := embeddedServers.FindSubmatch(text)
	if found == nil {
		return fmt.Errorf("cannot see where the embedded servers listen: %s does not say so", p.LogPath)
	}
	ports := make(map[int]string)
	for address, name := range map[string]string{string(found[1]): "the embedded name server", string(found[3]): "the embedded " + string(found[2])} {
		port, err := portOf(address)
		if err != nil {
			return fmt.Errorf("cannot see where %s listens: %w", name, err)
		}
		ports[port] = name
	}
	bypasses.guard(ports)
	return nil
}
