package server

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"os"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// limited is a proxy before an embedded RocketMQ, as "dev" makes it.
type limited struct {
	*running
	cluster *embedded.Cluster
}

func startLimited(t *testing.T, change func(*config.Config), opts ...Option) *limited {
	t.Helper()
	l := &limited{cluster: proxytest.StartCluster(t, embedded.Options{})}
	cfg := devConfig(DevOptions{Listen: "127.0.0.1:0", Admin: "127.0.0.1:0"}, l.cluster.NameServers())
	cfg.DrainTimeout = 0
	change(cfg)
	l.running = run(t, cfg, opts...)
	l.await(l.Ready, "ready")
	return l
}

func (l *limited) works(t testing.TB) {
	t.Helper()
	require.NoError(t, l.selfCheck(io.Discard, l.cluster.Broker("broker-a").Addr()))
}

// crowd opens connections that do nothing.
func crowd(t testing.TB, n int, addresses ...string) (all []net.Conn) {
	t.Helper()
	t.Cleanup(func() { disperse(all) })
	for i := range n {
		c, err := net.Dial("tcp", addresses[i%len(addresses)])
		require.NoError(t, err, "connection %d", i)
		all = append(all, c)
	}
	return all
}

func disperse(all []net.Conn) {
	for _, c := range all {
		c.Close()
	}
}

// metricOf reads a metric; -1 is none.
func metricOf(text, name string) float64 {
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(text)
	if m == nil {
		return -1
	}
	v, _ := strconv.ParseFloat(m[1], 64)
	return v
}

// idleCrowd is how many idle connections the test has; "task idle" asks for 20,000.
func idleCrowd() int {
	if n, err := strconv.Atoi(os.Getenv("IDLE_CONNECTIONS")); err == nil {
		return n
	}
	return 2000
}

// A crowd of connections that do nothing does not keep a client from working.
func TestIdleCrowd(t *testing.T) {
	n := idleCrowd()
	needDescriptors(t, 2*n+500) // both ends are ours
	l := startLimited(t, func(*config.Config) {})
	c := &checker{out: io.Discard}
	_, err := c.route(l.Addr(devName), l.cluster.Broker("broker-a").Addr())
	require.NoError(t, err)
	defer c.broker.Close()

	crowd(t, n, l.Addr(devName), c.broker.RemoteAddr().String())
	require.Eventually(t, func() bool { return l.connections() >= n }, time.Minute, 10*time.Millisecond)
	begun := time.Now()
	l.works(t)
	t.Logf("%d idle connections; route, send, pull, pop and ack took %s", n, time.Since(begun))
	require.GreaterOrEqual(t, l.connections(), n, "the crowd was there all the time")
}

// needDescriptors raises the limit of open files if it may, and skips the test if not.
func needDescriptors(t *testing.T, n int) {
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	if limit.Cur >= uint64(n) {
		return
	}
	limit.Cur, limit.Max = uint64(n), max(limit.Max, uint64(n))
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Skipf("%d open files are needed: %v", n, err)
	}
}

// A full listener refuses on real sockets, and takes the next one when somebody has left.
func TestFullListenerRefuses(t *testing.T) {
	l := startLimited(t, func(cfg *config.Config) { cfg.Limits.ConnectionsPerListener = 5 })
	ports := []string{l.Addr(devName), l.brokerPort(t)}
	var inside []net.Conn
	t.Cleanup(func() { disperse(inside) })
	l.await(func() bool { // a client that has just left may have a permit for a moment longer
		if c, err := net.Dial("tcp", ports[0]); err == nil {
			inside = append(inside, c)
		}
		return len(inside) == 5
	}, "five are inside")
	require.Eventually(t, func() bool {
		err := dialOnce(ports[0])
		return err != nil && strings.Contains(err.Error(), "connection refused")
	}, patience, time.Millisecond)
	text := l.page("/metrics")
	require.Positive(t, metricOf(text, `rocketmq_proxy_refused_total{listener="dev",reason="connections_per_listener"}`))
	require.EqualValues(t, 1, metricOf(text, `rocketmq_proxy_listener_full{listener="dev"}`))
	disperse(inside)
	for _, port := range ports { // they open one after another, and may close again until all have left
		require.Eventually(t, func() bool { return dialOnce(port) == nil && l.connections() == 0 }, patience, time.Millisecond)
	}
	l.works(t)
}

// brokerPort is the address that the proxy has for its broker; nobody is connected when it returns.
func (l *limited) brokerPort(t testing.TB) string {
	t.Helper()
	c := &checker{out: io.Discard}
	_, err := c.route(l.Addr(devName), l.cluster.Broker("broker-a").Addr())
	require.NoError(t, err)
	c.broker.Close()
	require.Eventually(t, func() bool { return l.connections() == 0 }, patience, time.Millisecond)
	return c.broker.RemoteAddr().String()
}

// dialOnce connects and leaves.
func dialOnce(address string) error {
	c, err := net.Dial("tcp", address)
	if err == nil {
		c.Close()
	}
	return err
}

// Failures are told with their reasons, also of what is gone.
func TestActorsTellFailures(t *testing.T) {
	l := startLimited(t, func(*config.Config) {}, withFaults)
	var report struct {
		Name     string
		Failures []struct {
			At                       time.Time
			Actor, Kind, Reason, Did string
			Count                    int
		}
	}
	actorsNow := func() string {
		text := l.page("/actors")
		require.NoError(t, json.Unmarshal([]byte(text), &report))
		return text
	}
	require.Contains(t, actorsNow(), `"failures": []`)
	require.Equal(t, "proxy", report.Name)

	crowd(t, 1, l.Addr(devName))
	require.Eventually(t, func() bool { return l.connections() == 1 }, patience, time.Millisecond)
	for _, id := range l.proxy.Live("proxy/listener/dev/connections/") {
		l.proxy.Fault(id, "injected")
		require.Eventually(t, func() bool { return l.connections() == 0 }, patience, time.Millisecond)
		require.Contains(t, actorsNow(), id)
	}
	require.Len(t, report.Failures, 1)
	f := report.Failures[0]
	require.Equal(t, []string{"connection", "injected", "stopped"}, []string{f.Kind, f.Reason, f.Did})
	require.Equal(t, 1, f.Count)
	require.WithinDuration(t, time.Now(), f.At, time.Minute)
	require.EqualValues(t, 1, metricOf(l.page("/metrics"), `rocketmq_proxy_actor_restarts_total{actor="connection"}`))
}

// A pillar that cannot be kept alive ends the server with the reason, and soon.
func TestPillarEndsTheServer(t *testing.T) {
	l := startLimited(t, func(*config.Config) {}, withFaults)
	for range 11 {
		l.proxy.Fault("proxy/stats", "injected")
	}
	select {
	case err := <-l.served:
		require.EqualError(t, err, "giving up: stats proxy/stats failed 11 times within 10s, the last time with: injected")
	case <-time.After(8 * time.Second): // less than the library waits for a client that does not answer
		t.Fatal("the server goes on")
	}
}

func TestMemoryLimit(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	log := slog.New(slog.DiscardHandler)
	limits := config.Default().Limits

	t.Setenv("GOMEMLIMIT", "")
	limits.Memory = 1000 * config.MiB
	limitMemory(limits, log)
	require.EqualValues(t, 900*config.MiB, debug.SetMemoryLimit(-1))
	require.EqualValues(t, 250*config.MiB, bufferTotal(limits))

	limits.Memory = 0
	limitMemory(limits, log)
	bytes, source := processMemory(limits)
	require.Contains(t, []string{"the cgroup", "the machine"}, source)
	require.Equal(t, bytes/100*90, debug.SetMemoryLimit(-1))

	debug.SetMemoryLimit(400 << 20) // as the run time does with the variable
	t.Setenv("GOMEMLIMIT", "400MiB")
	limitMemory(limits, log)
	require.EqualValues(t, 400<<20, debug.SetMemoryLimit(-1))
	require.EqualValues(t, 100<<20, bufferTotal(limits))

	limits.BufferTotal = 7 * config.MiB
	require.EqualValues(t, 7*config.MiB, bufferTotal(limits))
}

// A limit that the system does not allow is lowered, which is told and no cause for alarm.
func TestALoweredConnectionLimitIsTold(t *testing.T) {
	f := func(perListener int, want string) {
		t.Helper()
		var log bytes.Buffer
		cfg := config.Default()
		cfg.Listeners = make([]config.Listener, 2)
		cfg.Limits.ConnectionsPerListener = perListener
		tellConnectionLimit(cfg, slog.New(slog.NewTextHandler(&log, nil)))
		require.Contains(t, log.String(), want)
		if want == "" {
			require.Empty(t, log.String())
		}
	}
	f(1_000_000_000, `level=INFO msg="connection limit lowered to fit open files" connections_per_listener=`)
	f(10, "")
	f(0, "")
}
