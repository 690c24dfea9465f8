package server

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/freeport"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// patience bounds what must come; it never decides whether something is fast.
const patience = proxytest.Patience

// Most tests here wait for timers of a second, so more of them run at once than there are processors.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		flag.Set("test.parallel", "8")
	}
	m.Run()
}

// running is a proxy under test. It is killed when the test ends, unless the test has it drain.
type running struct {
	*Server
	t      *testing.T
	log    *proxytest.Log
	served chan error // what Serve returns
	cancel func()     // has it drain
	kill   func()     // ends it without a drain, and waits
}

// run starts a proxy and does not wait until it is ready.
func run(t *testing.T, cfg *config.Config, opts ...Option) *running {
	t.Helper()
	return runAt(t, cfg, slog.LevelInfo, opts...)
}

func runAt(t *testing.T, cfg *config.Config, level slog.Leveler, opts ...Option) *running {
	t.Helper()
	r := &running{t: t, log: &proxytest.Log{}, served: make(chan error, 1)}
	var err error
	r.Server, err = Start(cfg, slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: level})), opts...)
	require.NoError(t, err)
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(context.Background())
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		r.served <- r.Serve(ctx, stop)
		close(done)
	}()
	r.kill = sync.OnceFunc(func() {
		close(stop)
		r.cancel()
		<-done
	})
	t.Cleanup(r.kill)
	return r
}

// start starts a proxy in front of a cluster and waits until it is ready; change makes the configuration a test's own.
func start(t *testing.T, cl *embedded.Cluster, change func(*config.Config)) *running {
	t.Helper()
	r := run(t, configFor(t, cl.NameServers(), change))
	r.await(r.Ready, "ready")
	return r
}

// ioUring is transport.io_uring, which the environment overrides for tests as for the program.
func ioUring() string {
	return cmp.Or(os.Getenv("ROCKETMQ_PROXY_TRANSPORT__IO_URING"), config.IOUringAuto)
}

func otherIOUring() string {
	if ioUring() == config.IOUringOff {
		return config.IOUringAuto
	}
	return config.IOUringOff
}

// configFor has one cluster and one listener, which is called main, on free ports.
func configFor(t *testing.T, nameServers []string, change func(*config.Config)) *config.Config {
	t.Helper()
	cfg := config.Default()
	cluster, listener := config.DefaultCluster(), config.DefaultListener()
	cluster.NameServers = nameServers
	listener.Address, listener.BrokerPorts, listener.VIPChannel = "127.0.0.1:0", config.PortRange{}, false
	cfg.Clusters, cfg.Listeners = []config.Cluster{cluster}, []config.Listener{listener}
	cfg.Admin.Address, cfg.DrainTimeout, cfg.Transport.IOUring = "127.0.0.1:0", patience, ioUring()
	if change != nil {
		change(cfg)
	}
	cfg.Complete()
	require.NoError(t, config.Validate(cfg))
	return cfg
}

// broker is the address of the first listener's port for broker-a.
func (r *running) broker() string {
	r.t.Helper()
	port, ok := r.proxy.Tree().Listeners[0].PortOf(proxytest.BrokerA)
	require.True(r.t, ok)
	return fmt.Sprintf("127.0.0.1:%d", port.Port)
}

// await polls until something is so.
func (r *running) await(so func() bool, what string) {
	r.t.Helper()
	require.Eventually(r.t, so, patience, time.Millisecond, "%s; log:\n%s", what, r.log)
}

// logged waits for a line of the log with all these words.
func (r *running) logged(words ...string) {
	r.t.Helper()
	r.await(func() bool { return r.log.Has(words...) }, fmt.Sprintf("a line with %q", words))
}

// counted waits until the statistics, which are a moment late, know of n requests in flight.
func (r *running) counted(n int) {
	r.t.Helper()
	r.await(func() bool { return r.statistics().Active() == n }, fmt.Sprintf("%d requests in flight", n))
}

// end waits for the end of a drain.
func (r *running) end() {
	r.t.Helper()
	select {
	case err := <-r.served:
		require.NoError(r.t, err)
	case <-time.After(2 * patience):
		r.t.Fatalf("the drain has not ended:\n%s", r.log)
	}
}

// request asks the admin address; with a token when it is not empty.
func (r *running) request(method, path, token string) (status int, body string) {
	r.t.Helper()
	q, err := http.NewRequest(method, "http://"+r.AdminAddr()+path, http.NoBody)
	require.NoError(r.t, err)
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(q)
	require.NoError(r.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(r.t, err)
	return answer.StatusCode, string(text)
}

// page reads a page of the admin address.
func (r *running) page(path string) string {
	r.t.Helper()
	_, body := r.request(http.MethodGet, path, "")
	return body
}

// shows waits until a page contains a text.
func (r *running) shows(path, text string) {
	r.t.Helper()
	r.await(func() bool { return strings.Contains(r.page(path), text) }, text+" on "+path)
}

// has reports whether there is an actor whose id ends so.
func (r *running) has(actor string) bool {
	id := "proxy/" + actor
	return slices.Contains(r.proxy.Live(id), id)
}

// fixture is a proxy whose configuration is a file that tests rewrite, and whose admin address wants a token.
type fixture struct {
	*running
	file   string
	token  string // the file
	hangup chan struct{}
}

const fixtureToken = "open sesame"

// serveFile starts a proxy on a file and waits until it is ready. It drains when the test ends.
func serveFile(t *testing.T, toml string) *fixture {
	t.Helper()
	f := &fixture{
		running: &running{t: t}, file: filepath.Join(t.TempDir(), "proxy.toml"),
		token: filepath.Join(t.TempDir(), "token"), hangup: make(chan struct{}, 1),
	}
	require.NoError(t, os.WriteFile(f.token, []byte(fixtureToken+"\n"), 0o600))
	f.write(toml)
	load := func() (*config.Config, error) { return config.Load(config.Sources{File: f.file}) }
	cfg, err := load()
	require.NoError(t, err)
	level := new(slog.LevelVar)
	require.NoError(t, level.UnmarshalText([]byte(cfg.Log.Level)))
	f.running = runAt(t, cfg, level, WithReload(load, level, f.hangup), withFaults)
	t.Cleanup(func() {
		f.cancel()
		select {
		case err := <-f.served:
			require.NoError(t, err)
		case <-time.After(patience):
			t.Error("the proxy does not end")
		}
	})
	f.await(f.Ready, "ready")
	return f
}

// withFaults has the actors of a server panic when a test tells them to.
func withFaults(s *Server) { s.faults = true }

// write makes the file: what every test has, and then the test's own.
func (f *fixture) write(toml string) {
	f.t.Helper()
	head := "drain_timeout = '1m'\nadmin = { address = '127.0.0.1:0', token_file = '" + f.token + "' }\n"
	if strings.Contains(toml, "drain_timeout") {
		head = strings.TrimPrefix(head, "drain_timeout = '1m'\n")
	}
	if !strings.Contains(toml, "[transport]") {
		toml += "\n[transport]\nio_uring = '" + ioUring() + "'\n"
	}
	require.NoError(f.t, os.WriteFile(f.file, []byte(head+toml), 0o600))
}

// change rewrites the file and reloads.
func (f *fixture) change(toml string) *Reloaded {
	f.t.Helper()
	f.write(toml)
	result, err := f.Reload()
	require.NoError(f.t, err)
	return result
}

// rocketMQ starts an embedded cluster with the topic "News".
func rocketMQ(t *testing.T, o embedded.Options) *embedded.Cluster {
	t.Helper()
	cl := proxytest.StartCluster(t, o)
	require.NoError(t, cl.CreateTopic("News", 4))
	return cl
}

// clusterTable is a cluster as a table of the file.
func clusterTable(name string, servers ...string) string {
	return "[[cluster]]\nname = '" + name + "'\nname_servers = ['" + strings.Join(servers, "', '") + "']\n"
}

// listenerTable is a listener as a table of the file, with any free ports for brokers; more overrides and adds keys.
func listenerTable(name, address, more string) string {
	table := "[[listener]]\nname = '" + name + "'\naddress = '" + address + "'\nvip_channel = false\n"
	if !strings.Contains(more, "broker_ports") {
		table += "broker_ports = 0\n"
	}
	return table + more + "\n"
}

// office is the file of most tests: one cluster and the listener "office".
func office(cl *embedded.Cluster, address, more string) string {
	return clusterTable("main", cl.NameServers()...) + listenerTable("office", address, more)
}

// freePort is an address that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	port, err := freeport.Range(1)
	require.NoError(t, err)
	return freeport.Loopback(port)
}
