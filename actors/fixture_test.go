package actors_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// patience bounds every wait of these tests; none of them needs it when things go well.
const patience = 30 * time.Second

// brokerA is the broker that most tests have.
var brokerA = route.BrokerID{Name: "broker-a"}

// sockets makes a transport.
type sockets func(t testing.TB, limits codec.Limits, window int) transport.Transport

// best is what the proxy runs on: event loops on Linux.
func best(t testing.TB, limits codec.Limits, window int) transport.Transport {
	tr, stop, err := transport.New(limits, window, 0, 0)
	require.NoError(t, err)
	t.Cleanup(stop)
	return tr
}

func goroutines(_ testing.TB, limits codec.Limits, window int) transport.Transport {
	return &transport.Net{Limits: limits, Window: window}
}

// onBoth runs a test on both transports: clients and brokers must not see which it is.
func onBoth(t *testing.T, test func(t *testing.T, on sockets)) {
	t.Parallel()
	t.Run("best", func(t *testing.T) { t.Parallel(); test(t, best) })
	t.Run("goroutines", func(t *testing.T) { t.Parallel(); test(t, goroutines) })
}

// onBothAlone is onBoth for tests that look at the memory of the process: nothing else runs meanwhile.
func onBothAlone(t *testing.T, test func(t *testing.T, on sockets)) {
	t.Run("best", func(t *testing.T) { test(t, best) })
	t.Run("goroutines", func(t *testing.T) { test(t, goroutines) })
}

// options say what a proxy is like; the zero value is one listener with the port of broker-a, which is a fake.
type options struct {
	nameServers []string // default: one of an embedded cluster, which knows the fake broker
	settings    actors.Settings
	limits      codec.Limits
	window      int
	listener    func(l *actors.Listener)
	refresh     time.Duration
	mayGiveUp   bool
}

// rig is one proxy in front of a fake broker.
type rig struct {
	t      testing.TB
	env    *actors.Env
	top    *actor.PID
	tree   *actors.Tree
	log    *logBook
	broker *fake // nil when options name the name servers
	gaveUp chan error

	mu       sync.Mutex
	failures map[string]int // by kind, as the metric counts them
}

// start starts a proxy and waits until it is open and knows the brokers. Its end is part of each test: nothing may
// be left over.
func start(t testing.TB, on sockets, o options) *rig {
	t.Helper()
	var broker *fake
	if o.nameServers == nil {
		broker = newFake(t)
		cl := startCluster(t, embedded.Options{Brokers: []embedded.BrokerOptions{{Name: brokerA.Name, Advertise: broker.addr}}})
		o.nameServers = cl.NameServers()
	}
	r := launch(t, on, o)
	r.broker = broker
	r.until("the listener is open", func() bool { return r.tree.Listeners[0].Open() })
	return r
}

// launch is start without the waiting.
func launch(t testing.TB, on sockets, o options) *rig {
	t.Helper()
	r := &rig{t: t, log: &logBook{}, gaveUp: make(chan error, 100), failures: map[string]int{}}
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutStacks}))
	o.settings.MaxFrame, o.settings.MaxHeader = o.limits.MaxFrame, o.limits.MaxHeader
	r.env = actors.NewEnv(on(t, o.limits, o.window), log, o.settings, func(why error) { r.gaveUp <- why })
	r.env.InjectFaults()
	r.env.Failures.OnFailure = func(kind string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.failures[kind]++
	}
	d := actors.NewCluster("main", o.nameServers, o.refresh)
	l := &actors.Listener{Name: "office", Address: "127.0.0.1:0", StatPrefix: "main", Cluster: d}
	if o.listener != nil {
		o.listener(l)
	}
	var err error
	if l.Table == nil {
		l.Table, err = route.NewPortTable(l.Ports, nil)
		require.NoError(t, err)
	}
	r.tree = &actors.Tree{Stats: actors.NewStatistics("main"), Clusters: []*actors.Cluster{d}, Listeners: []*actors.Listener{l}}
	r.top, err = r.env.Start(r.tree)
	require.NoError(t, err)
	t.Cleanup(func() { r.stop(o.mayGiveUp) })
	return r
}

func (r *rig) stop(mayGiveUp bool) {
	if err := r.env.Stop(r.top); err != nil {
		r.t.Errorf("the actors do not stop: %v", err)
	}
	if left := r.env.Actors(actors.Root); len(left) > 0 {
		r.t.Errorf("actors are left over: %q", left)
	}
	if len(r.gaveUp) > 0 && !mayGiveUp {
		r.t.Errorf("the proxy gave up: %v", <-r.gaveUp)
	}
	if r.t.Failed() {
		r.t.Logf("log of the proxy:\n%s", r.log.tail(60))
	}
}

func startCluster(t testing.TB, o embedded.Options) *embedded.Cluster {
	t.Helper()
	cl, err := embedded.Start(o)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

// until waits for something that must come about.
func (r *rig) until(what string, cond func() bool) {
	r.t.Helper()
	await(r.t, what, cond)
}

func await(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !cond(); time.Sleep(time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "waited in vain until %s", what)
	}
}

// nameServer is the address of the name-server port.
func (r *rig) nameServer() string { return r.tree.Listeners[0].Addr().String() }

// port is the address of a broker's port.
func (r *rig) port(b route.BrokerID) string {
	r.t.Helper()
	p, ok := r.tree.Listeners[0].PortOf(b)
	require.True(r.t, ok, "broker %s has no port", b)
	return "127.0.0.1:" + strconv.Itoa(p.Port)
}

// pinned connects a client to broker-a's port and, by one oneway request, to the broker itself.
func (r *rig) pinned() (client, broker *peer) {
	r.t.Helper()
	client = dial(r.t, r.port(brokerA))
	client.send(&codec.Command{Code: codec.ReqUpdateConsumerOffset, Flag: codec.FlagOneway})
	broker = r.broker.accept()
	require.Equal(r.t, codec.ReqUpdateConsumerOffset, broker.next().Code)
	return client, broker
}

// actors lists the ids of all live actors of a kind, sorted.
func (r *rig) actors(kind string) []string {
	ids := slices.DeleteFunc(r.env.Actors(actors.Root), func(id string) bool { return actors.Kind(id) != kind })
	slices.Sort(ids)
	return ids
}

// kill makes an actor panic and waits until its supervisor has taken note.
func (r *rig) kill(id string) {
	r.t.Helper()
	before := r.env.Failures.Of(id).Count
	r.fault(id)
	r.until(id+" has failed", func() bool { return r.env.Failures.Of(id).Count > before })
}

// fault makes an actor panic when it comes to it.
func (r *rig) fault(id string) {
	r.env.Fault(id, "killed by a test")
}

func (r *rig) failed(kind string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failures[kind]
}

// stat reads one of the 27 statistics.
func (r *rig) stat(name string) int {
	return int(r.metrics()["rocketmq_"+name+`{stat_prefix="main"}`])
}

// stats are those of the 27 that are not 0; request_time_ms is how many times it was updated.
func (r *rig) stats() map[string]int {
	all := map[string]int{}
	for name, v := range r.metrics() {
		short, isStat := strings.CutSuffix(strings.TrimPrefix(name, "rocketmq_"), `{stat_prefix="main"}`)
		if isStat && v != 0 && !strings.HasSuffix(short, "_sum") {
			all[strings.TrimSuffix(short, "_count")] = int(v)
		}
	}
	return all
}

// statsBecome waits until exactly these of the 27 are not 0.
func (r *rig) statsBecome(want map[string]int, when string) {
	r.t.Helper()
	deadline := time.Now().Add(patience)
	for !maps.Equal(want, r.stats()) && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	require.Equal(r.t, want, r.stats(), when)
}

// proxyMetric reads a labelled metric of broker-a's port, or of the name-server port when port says so.
func (r *rig) proxyMetric(name, port, more string) int {
	broker := ""
	if port != "name-server" {
		broker = brokerA.String()
	}
	return int(r.metrics()[fmt.Sprintf("rocketmq_proxy_%s{listener=%q,port=%q,broker=%q%s}", name, "office", port, broker, more)])
}

// metrics reads all metrics by name and labels.
func (r *rig) metrics() map[string]float64 {
	var text bytes.Buffer
	r.tree.Stats.WriteMetrics(&text)
	all := map[string]float64{}
	for line := range strings.Lines(text.String()) {
		if i := strings.LastIndexByte(line, ' '); i > 0 {
			all[line[:i]], _ = strconv.ParseFloat(strings.TrimSpace(line[i:]), 64)
		}
	}
	return all
}

// settle waits until all of n client connections have ended and been counted. A connection's last report is that of
// its end, so after it all numbers of these connections are final.
func (r *rig) settle(n int) {
	r.t.Helper()
	r.until(fmt.Sprintf("%d connections have ended and been counted", n), func() bool {
		accepted, open := 0, 0
		for name, v := range r.metrics() {
			if strings.HasPrefix(name, "rocketmq_proxy_downstream_connections_total{") {
				accepted += int(v)
			} else if strings.HasPrefix(name, "rocketmq_proxy_downstream_connections{") {
				open += int(v)
			}
		}
		return accepted == n && open == 0
	})
}

// gaugesAreZero: nothing is active or pending any more.
func (r *rig) gaugesAreZero() {
	r.t.Helper()
	for _, name := range []string{"request_active", "send_message_v1_active", "send_message_v2_active", "pop_message_active",
		"get_topic_route_active", "send_message_pending", "pop_message_pending", "get_topic_route_pending", "total_pending"} {
		require.Zero(r.t, r.stat(name), name)
	}
}

// withoutStacks keeps the log of a failed test readable: all panics here are ordered.
func withoutStacks(_ []string, a slog.Attr) slog.Attr {
	if a.Key == "stack" {
		return slog.Attr{}
	}
	return a
}
