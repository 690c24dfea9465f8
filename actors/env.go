package actors

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	cmap "github.com/orcaman/concurrent-map"

	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Settings are the numbers that the actors work by. The zero value means the defaults.
type Settings struct {
	BufferPerConnection    int           // bytes that may be kept for one client; 0: 1 MiB
	ConnectionsPerListener int           // on all ports of one listener; 0: no limit
	ConnectionsPerAddress  int           // of them, from one address; 0: no limit
	RequestsPerConnection  int           // that wait for their answers; 0: no limit
	IdleTimeout            time.Duration // a connection without traffic in either direction is closed; 0: 120 s
	FirstByteTimeout       time.Duration // so is one without a first request; 0: 30 s
	HeaderTimeout          time.Duration // so is one that leaves a header incomplete; 0: 10 s
	WriteStallTimeout      time.Duration // so is one that takes nothing of what is kept for it; 0: 60 s
	QueryTimeout           time.Duration // one query to one name server; 0: 1 s
	MaxFrame               int           // bytes; 0: 16 MiB
	MaxHeader              int           // bytes; 0: 1 MiB
}

func (s Settings) withDefaults() Settings {
	if s.BufferPerConnection <= 0 {
		s.BufferPerConnection = 1 << 20
	}
	for _, d := range []struct {
		timeout *time.Duration
		usual   time.Duration
	}{
		{&s.IdleTimeout, 120 * time.Second},
		{&s.FirstByteTimeout, 30 * time.Second},
		{&s.HeaderTimeout, 10 * time.Second},
		{&s.WriteStallTimeout, 60 * time.Second},
		{&s.QueryTimeout, time.Second},
	} {
		if *d.timeout <= 0 {
			*d.timeout = d.usual
		}
	}
	return s
}

// Env is what all actors of one proxy share. Once the tree stands only a reload changes something in it: the settings
// and the tree, each as a whole.
type Env struct {
	System    *actor.ActorSystem
	Transport transport.Transport
	Log       *slog.Logger
	Failures  *Failures
	// GiveUp is called when a pillar cannot be kept alive or opened: the process must end.
	GiveUp func(why error)

	settings  atomic.Pointer[Settings]
	tree      atomic.Pointer[Tree]
	refusals  *refusals
	malformed ration // lines about clients that sent what is no frame
	broken    ration // lines about client connections that broke
	workers   *workers
	started   time.Time
	books     map[transport.Executor]*book
	requests  *actor.Props
	upstreams sync.Map // *actor.Props by transport.Executor
}

// NewEnv makes the actor system of one proxy.
func NewEnv(t transport.Transport, log *slog.Logger, settings Settings, giveUp func(error)) *Env {
	e := &Env{Transport: t, Log: log, GiveUp: giveUp, Failures: &Failures{},
		refusals: newRefusals(log), workers: &workers{}, books: map[transport.Executor]*book{},
		started: time.Now().Add(-1)} // a time of 0 stands for never
	for _, x := range e.executors() {
		e.books[x] = &book{}
	}
	e.Adjust(settings)
	e.System = actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
		actor.WithDeadLetterRequestLogging(false))
	shrinkRegistry(e.System)
	discardDeadLetters(e.System)
	e.requests = e.props(func() actor.Actor { return &request{env: e} }, inline, nil)
	return e
}

// Settings are the numbers to work by now.
func (e *Env) Settings() *Settings { return e.settings.Load() }

// Adjust replaces the settings.
func (e *Env) Adjust(s Settings) {
	s = s.withDefaults()
	e.settings.Store(&s)
}

// Tree is the present tree.
func (e *Env) Tree() *Tree { return e.tree.Load() }

// shrinkRegistry replaces the library's process table of 1024 x 32 maps (2.8 MB, 66,000 objects, a cache miss for each
// new id) by 4 x 32. It must come before anything is spawned by others.
func shrinkRegistry(s *actor.ActorSystem) {
	old := s.ProcessRegistry.LocalPIDs.LocalPIDs
	fresh := make([]cmap.ConcurrentMap, 4)
	for i := range fresh {
		fresh[i] = cmap.New()
	}
	s.ProcessRegistry.LocalPIDs.LocalPIDs = fresh
	for _, m := range old {
		for k, v := range m.Items() {
			s.ProcessRegistry.LocalPIDs.GetBucket(k).Set(k, v)
		}
	}
}

// executors are those of the transport and, for clients under TLS, the one of sockets without a loop.
func (e *Env) executors() []transport.Executor {
	all := e.Transport.Executors()
	if x := transport.Executor(transport.Inline{}); !slices.Contains(all, x) {
		all = append(all, x)
	}
	return all
}

// now is the process clock in nanoseconds.
func (e *Env) now() int64 { return int64(time.Since(e.started)) }

// props makes the recipe of an actor: our mailbox, our dispatchers, our supervision. exceeded is for supervisors.
func (e *Env) props(produce func() actor.Actor, d actor.Dispatcher, exceeded func(actor.Supervisor, *actor.PID, error)) *actor.Props {
	if d == nil {
		d = e.workers
	}
	if exceeded == nil {
		exceeded = escalate
	}
	return actor.PropsFromProducer(produce,
		actor.WithMailbox(mailboxProducer(d, e.panicked)),
		actor.WithDispatcher(d),
		actor.WithSupervisor(&supervisor{failures: e.Failures, exceeded: exceeded}))
}

// upstreamProps is the recipe of upstream actors on one executor.
func (e *Env) upstreamProps(x transport.Executor) *actor.Props {
	if p, ok := e.upstreams.Load(x); ok {
		return p.(*actor.Props)
	}
	p, _ := e.upstreams.LoadOrStore(x, e.props(func() actor.Actor { return &upstream{env: e} }, onExecutor{x}, nil))
	return p.(*actor.Props)
}

// panicked logs a panic with its stack; its supervisor decides and counts.
func (e *Env) panicked(reason any, stack []byte) {
	e.Log.Error("BUG: an actor panicked; its supervisor handles it", "reason", reason, "stack", string(stack))
}

// cleanUp runs f, which belongs to Stopping or Restarting, so that it cannot fail.
func (e *Env) cleanUp(f func()) {
	guarded(func(r any) { e.Log.Error("BUG: an actor panicked while stopping", "reason", r) }, f)
}

// Actors lists the ids of all live actors below prefix.
func (e *Env) Actors(prefix string) []string {
	var ids []string
	for _, m := range e.System.ProcessRegistry.LocalPIDs.LocalPIDs {
		for _, id := range m.Keys() {
			if strings.HasPrefix(id, prefix) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}
