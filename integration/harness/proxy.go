package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/internal/freeport"
)

// buildProxy builds the program under test, once per test process, and returns its path.
var buildProxy = sync.OnceValues(func() (string, error) {
	dir, err := runDir()
	if err != nil {
		return "", err
	}
	if err := dependOnSources(); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "rocketmq-proxy")
	out, err := exec.Command("go", "build", "-o", path, "github.com/rocketmq-proxy/rocketmq-proxy").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("cannot build the proxy: %w\n%s", err, out)
	}
	return path, nil
})

// dependOnSources looks at every Go file of the repository. `go test` keeps the result of a test until something
// changes that the test process itself has looked at; what the compiler reads below does not count, and a proxy that
// was broken since would be reported as "ok (cached)".
func dependOnSources() error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, ".go") {
			_, err = os.Stat(path)
			if errors.Is(err, fs.ErrNotExist) {
				err = nil // removed since
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot look at the proxy's sources: %w", err)
	}
	return nil
}

// moduleRoot is the directory of go.mod, above the package whose test runs.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("cannot find the proxy's sources: %w", err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("cannot find the proxy's sources: no go.mod above the working directory")
		}
	}
}

// Proxy is the program under test as a process of its own, started by its command line as users start it.
type Proxy struct {
	*Process
	Listen string // clients are told that this is their name server
	Admin  string

	stopped bool // by its story
}

// ProxyConfig is what one proxy differs from another in.
type ProxyConfig struct {
	NameServer string // "": Cluster says where the brokers are
	Cluster    string // more lines of [[cluster]]
	Listener   string // more lines of [[listener]]
	Metrics    string // the lines of [metrics]
	OnePort    bool   // one port for all brokers, and the one two below it
	Admin      string // more lines of [admin]

	DrainTimeout time.Duration // 0: 5 s
}

// BrokerPorts is how many ports a proxy may use for brokers: each broker takes three, since VIP clients dial the
// advertised port - 2.
const BrokerPorts = 12

// serveProxy starts `rocketmq-proxy serve` in front of a name server and returns when it is ready.
func serveProxy(dir string, config ProxyConfig) (*Proxy, error) {
	// Neighbors: listener, admin, two unused ones (for the VIP port of the first broker), the brokers'.
	first, err := freeport.Range(4 + BrokerPorts)
	if err != nil {
		return nil, err
	}
	listen, brokers := first, fmt.Sprintf("brokers = \"port-per-broker\"\nbroker_ports = \"%d-%d\"", first+4, first+4+BrokerPorts-1)
	if config.OnePort {
		listen, brokers = first+4, `brokers = "one-port"`
	}
	text := fmt.Sprintf(`
drain_timeout = %q

[[cluster]]
name = "main"
%s
%s
[[listener]]
name = "it"
address = %q
cluster = "main"
%s
%s
[admin]
address = %q
%s
`, cmp.Or(config.DrainTimeout, 5*time.Second).String(), config.nameServers(), config.Cluster, freeport.Loopback(listen), brokers, config.Listener, freeport.Loopback(first+1), config.Admin)
	if config.Metrics != "" {
		text += "\n[metrics]\n" + config.Metrics + "\n"
	}
	path := filepath.Join(dir, "proxy.toml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return nil, fmt.Errorf("cannot configure the proxy: %w", err)
	}
	return LaunchProxy(dir, freeport.Loopback(listen), freeport.Loopback(first+1), "serve", "--config", path)
}

func (c *ProxyConfig) nameServers() string {
	if c.NameServer == "" {
		return ""
	}
	return fmt.Sprintf("name_servers = [%q]", c.NameServer)
}

// devProxy starts `rocketmq-proxy dev`: the proxy in front of its embedded name server and broker.
func devProxy(dir string) (*Proxy, error) {
	first, err := freeport.Range(2)
	if err != nil {
		return nil, err
	}
	listen, admin := freeport.Loopback(first), freeport.Loopback(first+1)
	return LaunchProxy(dir, listen, admin, "dev", "--listen", listen, "--admin", admin)
}

// LaunchProxy starts the program with those arguments and returns when it is ready. listen and admin are the addresses
// that the arguments tell it.
func LaunchProxy(dir, listen, admin string, args ...string) (*Proxy, error) {
	binary, err := buildProxy()
	if err != nil {
		return nil, err
	}
	p, err := StartProcess("rocketmq-proxy "+args[0], filepath.Join(dir, "proxy.log"), append([]string{binary}, args...)...)
	if err != nil {
		return nil, err
	}
	err = p.Await("ready", Patience, func(ctx context.Context) error {
		_, err := HTTPGet(ctx, "http://"+admin+"/readyz")
		return err
	})
	if err != nil {
		p.Kill()
		return nil, err
	}
	return &Proxy{Process: p, Listen: listen, Admin: admin}, nil
}

// Stop asks the proxy to end as an operator would, and is an error unless it drains and exits with 0.
func (p *Proxy) Stop() error {
	p.stopped = true
	return p.Terminate(stopTimeout)
}

// HTTPGet returns the body of an answer with status 200.
func HTTPGet(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", fmt.Errorf("cannot read %s: %w", url, err)
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s: %s", url, response.Status, strings.TrimSpace(string(body)))
	}
	return string(body), nil
}
