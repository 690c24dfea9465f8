package server

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// logged is what a proxy logs.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// has reports that there is a line with all these words.
func (l *logged) has(words ...string) bool {
	for line := range strings.Lines(l.String()) {
		found := true
		for _, w := range words {
			found = found && strings.Contains(line, w)
		}
		if found {
			return true
		}
	}
	return false
}

// configFor has one cluster and one listener, which is called main, on free ports; change makes it a test's own.
func configFor(t *testing.T, nameServers []string, change func(*config.Config)) *config.Config {
	t.Helper()
	cfg := config.Default()
	cluster, listener := config.DefaultCluster(), config.DefaultListener()
	cluster.NameServers = nameServers
	listener.Address, listener.BrokerPorts, listener.VIPChannel = "127.0.0.1:0", config.PortRange{}, false
	cfg.Clusters, cfg.Listeners = []config.Cluster{cluster}, []config.Listener{listener}
	cfg.Admin.Address, cfg.DrainTimeout = "127.0.0.1:0", patience
	if change != nil {
		change(cfg)
	}
	cfg.Complete()
	require.NoError(t, config.Validate(cfg))
	return cfg
}

// running is a proxy that a test drains, or that is killed when the test ends.
type running struct {
	*Server
	t     *testing.T
	log   *logged
	ended chan error
	kill  func() // ends it without a drain
}

// run starts a proxy and does not wait until it is ready.
func run(t *testing.T, cfg *config.Config) *running {
	t.Helper()
	r := &running{t: t, log: &logged{}, ended: make(chan error, 1)}
	var err error
	r.Server, err = Start(cfg, slog.New(slog.NewTextHandler(r.log, nil)))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		r.ended <- r.Serve(ctx, stop)
		close(done)
	}()
	r.kill = sync.OnceFunc(func() {
		close(stop)
		cancel()
		<-done
	})
	t.Cleanup(r.kill)
	return r
}

// logged waits for a line of the log with all these words.
func (r *running) logged(words ...string) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return r.log.has(words...) }, patience, time.Millisecond, "no line with %q in:\n%s", words, r.log)
}

// end waits for the end of a drain.
func (r *running) end() {
	r.t.Helper()
	select {
	case err := <-r.ended:
		require.NoError(r.t, err)
	case <-time.After(2 * patience):
		r.t.Fatalf("the drain has not ended:\n%s", r.log)
	}
}
