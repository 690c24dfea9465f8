// Package cluster is what is known of one RocketMQ cluster: its topics and brokers, asked of its name servers once for
// everybody, or written down in the configuration, whether each broker takes connections, and what is in maintenance.
//
// [Cluster] outlives its actor, so a crash forgets nothing. [Cluster.Snapshot] is what everybody reads, without a message;
// subscribers are told when it changes. Routes are asked for with messages.RouteQuery.
package cluster

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Cluster is what a cluster's actor keeps across its own crashes.
type Cluster struct {
	Name        string
	NameServers []string
	Refresh     time.Duration // how often the cluster is asked again; 0: 30 s
	// How connections to the cluster begin. The zero value is plain TCP. A PROXY header goes to brokers only: name
	// servers list no clients, and older ones than the brokers would take it for a broken frame.
	Upstream transport.UpstreamHandshake
	Lookup   Lookup // looks up host names, of name servers and of brokers; nil: nobody does
	Late     bool   // it came by a reload

	snapshot atomic.Pointer[Snapshot]
	changes  atomic.Uint64 // of what decisions depend on
	pid      atomic.Pointer[actor.PID]
	updating sync.Mutex
	known    atomic.Pointer[[]*NameServer]
	pauses   pauses

	// The actor's own.
	entries     map[key]*entry
	zoned       int // entries of zones
	subscribers []*actor.PID
	changedAt   int64 // when a request that changes routes was passed on; 0: never
	lastID      int64 // of a query: an answer to one from before a crash must not pass for that to another
}

// New makes the state of a cluster's actor.
func New(name string, nameServers []string, refresh time.Duration) *Cluster {
	if refresh <= 0 {
		refresh = 30 * time.Second
	}
	c := &Cluster{Name: name, NameServers: nameServers, Refresh: refresh, entries: map[key]*entry{}}
	c.snapshot.Store(&Snapshot{brokers: map[route.BrokerID]*Broker{}, table: &route.Table{}, servers: nameServers})
	c.know(nameServers)
	c.SetParkTimeout(defaultParkTimeout)
	return c
}

// clusterActor asks its source on behalf of everyone: one query per topic at a time however many clients ask, and for a
// moment its answer serves those who come later. When nobody answers, the last good answer does.
type clusterActor struct {
	*Cluster
	env      *env.Env
	self     system.Sink
	source   source
	downAt   int64 // when no name server answered; 0: one does
	warned   system.Sampler
	looked   int64 // when the cluster was last asked for
	reloaded bool  // the configuration was read again, and the cluster has not been looked at since
	cancel   func()
}

// Run makes pid the cluster's actor; there is one at a time.
func (c *Cluster) Run(pid *actor.PID) { c.pid.Store(pid) }

// PID is the cluster's actor; nil: it has none yet.
func (c *Cluster) PID() *actor.PID { return c.pid.Load() }

// NewActor makes the actor of a cluster.
func NewActor(e *env.Env, c *Cluster) actor.Actor { return &clusterActor{Cluster: c, env: e} }

// retryDown is how long name servers that have just failed to answer are not asked again.
const retryDown = time.Second

// Receive is part of actor.Actor.
func (c *clusterActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		c.start(ctx)
	case *messages.Subscribe:
		c.subscribe(ctx, m.To)
	case *messages.Unsubscribe:
		c.subscribers = slices.DeleteFunc(c.subscribers, m.From.Equal)
	case *messages.RouteQuery:
		c.ask(ctx, m)
	case *messages.Reloaded:
		c.reloaded = true
		c.look(ctx)
	case *messages.RoutesChanged:
		c.changedAt = c.env.Now()
	case *messages.Refresh:
		c.refresh(ctx)
	case *messages.Tick:
		c.tick(ctx)
	case *brokerChanged:
		c.healthChanged(ctx, m.broker)
	case *pauseChanged:
		c.pauseChanged(ctx, m.broker)
	case *messages.Source:
		c.turnTo(ctx, m)
	case *actor.Restarting, *actor.Stopping: // when everything begins again, it stops and has a successor all the same
		c.env.CleanUp(func() { c.cancel(); c.source.stop(ctx); c.giveUpAll(ctx) })
	default:
		c.source.receive(ctx)
	}
}

func (c *clusterActor) start(ctx actor.Context) {
	c.self = system.NewSink(c.env.System, ctx.Self())
	for _, b := range c.Snapshot().brokers {
		c.watch(ctx, b)
	}
	c.source = c.newSource()
	c.source.start(ctx)
	c.cancel = system.Every(retryDown, c.self, &messages.Tick{})
	c.look(ctx)
}

func (c *clusterActor) subscribe(ctx actor.Context, to *actor.PID) {
	if !slices.ContainsFunc(c.subscribers, to.Equal) {
		c.subscribers = append(c.subscribers, to)
	}
	if !c.Snapshot().Answered().IsZero() {
		ctx.Send(to, &messages.BrokersChanged{Cluster: c.Name})
	}
}

func (c *clusterActor) publish(ctx actor.Context, m any) {
	for _, s := range c.subscribers {
		ctx.Send(s, m)
	}
}

// tick looks at the cluster when it is time: often while nobody has answered yet.
func (c *clusterActor) tick(ctx actor.Context) {
	now := c.env.Now()
	if c.downAt != 0 || now-c.looked >= int64(c.Refresh) {
		c.look(ctx)
	}
	c.forgetEntries(now)
}

// refresh looks at once, but not more often than answers are fresh: many clients lose the same broker together.
func (c *clusterActor) refresh(ctx actor.Context) {
	if c.env.Now()-c.looked >= int64(fresh) {
		c.look(ctx)
	}
}

func (c *clusterActor) look(ctx actor.Context) {
	c.looked = c.env.Now()
	c.source.refresh(ctx)
	if e := c.entry(wholeCluster); !e.asking {
		c.query(ctx, wholeCluster, e)
	}
}
