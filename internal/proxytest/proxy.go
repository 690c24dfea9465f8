package proxytest

import (
	"log/slog"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Patience bounds every wait of tests; none of them needs it when things go well.
const Patience = 30 * time.Second

// The brokers that tests have.
var (
	BrokerA = route.BrokerID{Name: "broker-a"}
	BrokerB = route.BrokerID{Name: "broker-b"}
)

// Options say what a proxy is like; the zero value is one listener in front of a fake broker-a.
type Options struct {
	NameServers []string // default: one that knows the fake broker
	Listeners   []string // their names; default: "office"
	Settings    actors.Settings
	Limits      codec.Limits
	Window      int
	Refresh     time.Duration
	Cluster     func(c *actors.Cluster)  // changes it before the start
	Listener    func(l *actors.Listener) // changes each before the start
	MayGiveUp   bool
}

// Proxy is what [Sim] and [Real] have in common: one proxy's actors, and what a test may see and do of them.
type Proxy struct {
	T      testing.TB
	Env    *actors.Env
	Top    *actor.PID
	Tree   *actors.Tree
	Log    *Log
	GaveUp chan error

	mayGiveUp bool
	broken    bool // by the test

	mu       sync.Mutex
	failures map[string]int // by kind, as the metric counts them
}

// newProxy makes a proxy that has not started. address is that of the i-th listener.
func newProxy(t testing.TB, on transport.Transport, o Options, address func(i int) string) *Proxy {
	t.Helper()
	p := &Proxy{T: t, Log: &Log{}, GaveUp: make(chan error, 100), failures: map[string]int{}, mayGiveUp: o.MayGiveUp}
	log := slog.New(slog.NewTextHandler(p.Log, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutStacks}))
	o.Settings.MaxFrame, o.Settings.MaxHeader = o.Limits.MaxFrame, o.Limits.MaxHeader
	p.Env = actors.NewEnv(on, log, o.Settings, func(why error) { p.GaveUp <- why })
	p.Env.InjectFaults()
	p.Env.Failures.OnFailure = func(kind string) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.failures[kind]++
	}
	cluster := actors.NewCluster("main", o.NameServers, o.Refresh)
	if o.Cluster != nil {
		o.Cluster(cluster)
	}
	p.Tree = &actors.Tree{Stats: actors.NewStatistics("main"), Clusters: []*actors.Cluster{cluster}}
	for i, name := range o.Listeners {
		l := &actors.Listener{Name: name, Address: address(i), StatPrefix: "main", Cluster: cluster}
		if o.Listener != nil {
			o.Listener(l)
		}
		if l.Table == nil {
			var err error
			l.Table, err = route.NewPortTable(l.Ports, nil)
			require.NoError(t, err)
		}
		p.Tree.Listeners = append(p.Tree.Listeners, l)
	}
	return p
}

// Start starts the proxy's actors.
func (p *Proxy) Start() {
	p.T.Helper()
	var err error
	p.Top, err = p.Env.Start(p.Tree)
	require.NoError(p.T, err)
}

// stop ends the proxy, and insists that nothing is left over and nothing went wrong that the test did not ask for.
func (p *Proxy) stop() {
	if p.Top != nil {
		if err := p.Env.Stop(p.Top); err != nil {
			p.T.Errorf("the actors do not stop: %v", err)
		}
	}
	if left := p.Env.Actors(actors.Root); len(left) > 0 {
		p.T.Errorf("actors are left over: %q", left)
	}
	if len(p.GaveUp) > 0 && !p.mayGiveUp {
		p.T.Errorf("the proxy gave up: %v", <-p.GaveUp)
	}
	if bugs := p.Log.Lines("BUG:"); len(bugs) > 0 && !p.broken {
		p.T.Errorf("the log tells of bugs: %q", bugs)
	}
	if p.T.Failed() {
		p.T.Logf("log of the proxy:\n%s", p.Log.Tail(60))
	}
}

// withoutStacks keeps the log of a failed test readable: most panics are ordered.
func withoutStacks(_ []string, a slog.Attr) slog.Attr {
	if a.Key == "stack" {
		return slog.Attr{}
	}
	return a
}

// Cluster is the first cluster.
func (p *Proxy) Cluster() *actors.Cluster { return p.Tree.Clusters[0] }

// Listener is the first listener.
func (p *Proxy) Listener() *actors.Listener { return p.Tree.Listeners[0] }

// NameServer is the address of the name-server port.
func (p *Proxy) NameServer() string { return p.Listener().Addr().String() }

// Port is the address of a broker's port.
func (p *Proxy) Port(b route.BrokerID) string {
	p.T.Helper()
	port, ok := p.Listener().PortOf(b)
	require.True(p.T, ok, "broker %s has no port", b)
	host := p.Listener().Addr().Addr()
	if host.IsUnspecified() {
		host = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.AddrPortFrom(host, uint16(port.Port)).String()
}

// Actors lists the ids of all live actors of a kind, sorted.
func (p *Proxy) Actors(kind string) []string {
	ids := slices.DeleteFunc(p.Env.Actors(actors.Root), func(id string) bool { return actors.Kind(id) != kind })
	slices.Sort(ids)
	return ids
}

// Tell sends a message to the actor with an id.
func (p *Proxy) Tell(id string, message any) {
	p.Env.System.Root.Send(p.Env.System.NewLocalPID(id), message)
}

// Kill makes an actor panic when it comes to it.
func (p *Proxy) Kill(id string) {
	p.broken = true
	p.Env.Fault(id, "killed by a test")
}

// Failed is how many actors of a kind have failed.
func (p *Proxy) Failed(kind string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failures[kind]
}

// Until waits for something that must come about.
func (p *Proxy) Until(what string, cond func() bool) {
	p.T.Helper()
	Until(p.T, what, cond)
}

// UntilOpen waits until the first listener is open, and so knows the brokers.
func (p *Proxy) UntilOpen() {
	p.T.Helper()
	p.Until("the listener is open", func() bool { return p.Listener().Open() })
}

// Until waits for something that must come about.
func Until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Patience); !cond(); time.Sleep(time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "waited in vain until %s", what)
	}
}

// HeapInUse is what the test process has on its heap after a collection, in bytes.
func HeapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
