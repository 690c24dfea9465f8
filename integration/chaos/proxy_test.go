package chaos

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/freeport"
)

// programProxy is the program as a process, and each of its successors: with the same ports and port table.
type programProxy struct {
	name     string
	dir      string
	listen   string
	handOver string    // where a successor finds its predecessor
	configs  [2]string // the same, but for the admin address: a successor needs one of its own
	admins   [2]string

	mu   sync.Mutex
	now  *harness.Proxy
	turn int
}

// upstreams are what a proxy stands in front of: a cluster, or two of which the second has movedTopic. Then the proxy has one
// port for all.
type upstreams struct {
	NameServers []string
	Moved       []string // nil: one cluster, and a port for each broker
}

func (to *upstreams) onePort() bool { return to.Moved != nil }

// listener is the part of a configuration that says which brokers are offered where.
func (to *upstreams) listener(firstPort int) string {
	if !to.onePort() {
		return fmt.Sprintf("broker_ports = \"%d-%d\"\n", firstPort, firstPort+harness.BrokerPorts-1)
	}
	return fmt.Sprintf(`brokers = "one-port"
cluster = "main"

[[cluster]]
name = "moved"
name_servers = ["%s"]

[[route]]
topic = { exact = %q }
cluster = "moved"
`, strings.Join(to.Moved, `", "`), movedTopic)
}

// startProxy configures a proxy and starts the first process of it.
func startProxy(t *testing.T, name string, to upstreams) *programProxy {
	t.Helper()
	dir, err := harness.RunSubdir(harness.Unique(t, name))
	if err != nil {
		t.Fatal(err)
	}
	port, err := freeport.Range(4 + harness.BrokerPorts)
	if err != nil {
		t.Fatal(err)
	}
	admin, err := freeport.Range(2)
	if err != nil {
		t.Fatal(err)
	}
	// The path of a socket must be short.
	p := &programProxy{name: name, dir: dir, listen: freeport.Loopback(port), handOver: filepath.Join(t.TempDir(), "s")}
	for i := range p.configs {
		p.admins[i] = freeport.Loopback(admin + i)
		p.configs[i] = filepath.Join(dir, fmt.Sprintf("proxy-%d.toml", i))
		text := fmt.Sprintf(`
drain_timeout = "3s"
state_dir = %q
hand_over = %q

[[cluster]]
name = "main"
name_servers = ["%s"]

[[listener]]
address = %q
%s
[admin]
address = %q
`, dir, p.handOver, strings.Join(to.NameServers, `", "`), p.listen, to.listener(port+4), p.admins[i])
		if err := os.WriteFile(p.configs[i], []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if p.now, err = p.launch(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.current().Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// launch starts the next process and returns once it is ready.
func (p *programProxy) launch() (*harness.Proxy, error) {
	p.turn = 1 - p.turn
	return harness.LaunchProxy(p.dir, p.listen, p.admins[p.turn], "serve", "--config", p.configs[p.turn])
}

func (p *programProxy) current() *harness.Proxy {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// replace starts the next process and makes it the current one.
func (p *programProxy) replace() error {
	next, err := p.launch()
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = next
	return nil
}

func (p *programProxy) nameServer() string { return p.listen }

func (p *programProxy) measure(ctx context.Context) (baseline, error) {
	text, err := harness.HTTPGet(ctx, "http://"+p.current().Admin+"/metrics")
	if err != nil {
		return baseline{}, err
	}
	return baselineIn(text)
}

func (p *programProxy) target() target {
	return target{name: p.name, faults: append(processFaults(func() *harness.Process { return p.current().Process }), []fault{
		{"kill", func(in *injection) error {
			p.current().Kill()
			in.waitUpTo(2 * time.Second)
			return p.replace()
		}},
		{"end", func(in *injection) error {
			if err := p.current().Stop(); err != nil {
				return err
			}
			in.waitUpTo(time.Second)
			return p.replace()
		}},
		{"succeed", func(*injection) error {
			old := p.current()
			if err := p.replace(); err != nil {
				return err
			}
			return old.Stop()
		}},
		{"kill a successor", func(in *injection) error {
			old := p.current()
			if err := p.replace(); err != nil {
				return err
			}
			p.current().Kill()
			p.mu.Lock()
			p.now = old
			p.turn = 1 - p.turn
			p.mu.Unlock()
			return p.awaitTakenBack(in)
		}},
		{"reload", func(*injection) error { return p.current().HangUp() }},
	}...)}
}

// awaitTakenBack waits until the proxy has noticed that its successor is dead, and can be found by the next one: one
// that starts in between finds nobody at hand_over, and the ports in use.
func (p *programProxy) awaitTakenBack(in *injection) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(in.ctx), harness.Patience)
	defer cancel()
	return harness.Until(ctx, func() error {
		nc, err := net.Dial("unix", p.handOver)
		if err == nil {
			nc.Close()
		}
		return err
	})
}
