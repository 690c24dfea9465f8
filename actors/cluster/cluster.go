// Package cluster is what is known of one RocketMQ cluster: its topics and brokers, asked of its name servers once for
// everybody, and what is in maintenance. [Cluster] outlives its actor, so a crash forgets nothing.
package cluster

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Directory is what a directory actor keeps across its own crashes.
type Cluster struct {
	Name        string
	NameServers []string
	Refresh     time.Duration // how often the cluster is asked again; 0: 30 s
	View        *View
	// How connections to the cluster begin. The zero value is plain TCP. A PROXY header goes to brokers only: name
	// servers list no clients, and older ones than the brokers would take it for a broken frame.
	Upstream transport.UpstreamHandshake
	Late     bool // it came by a reload

	maintenance atomic.Pointer[maintenance]
	entries     map[string]*entry
	subscribers []*actor.PID
	known       atomic.Pointer[[]*NameServer]
	lastID      int64 // of a query: an answer to one from before a crash must not pass for that to another
}

// NewDirectory makes the state of a directory actor.
func New(cluster string, nameServers []string, refresh time.Duration) *Cluster {
	if refresh <= 0 {
		refresh = 30 * time.Second
	}
	d := &Cluster{Name: cluster, NameServers: nameServers, Refresh: refresh, View: newView(nameServers), entries: map[string]*entry{}}
	d.know(nameServers)
	return d
}

// Servers are the name servers as configured, with what is known of each.
func (d *Cluster) Servers() []*NameServer { return *d.known.Load() }

// know replaces the list of name servers; what is known of those that stay is kept.
func (d *Cluster) know(addresses []string) {
	var before, now []*NameServer
	if list := d.known.Load(); list != nil {
		before = *list
	}
	for _, address := range addresses {
		if i := slices.IndexFunc(before, func(s *NameServer) bool { return s.Address == address }); i >= 0 {
			now = append(now, before[i])
		} else {
			now = append(now, &NameServer{Address: address})
		}
	}
	d.known.Store(&now)
}

// NameServer is what is known of one name server; its actor writes it, everyone may look.
type NameServer struct {
	Address           string
	Up                atomic.Bool // it answered when it was last asked
	Queries, Failures atomic.Uint64
}

func (d *Cluster) BrokerDialer(t transport.Transport) transport.Dialer {
	return t.Towards(d.Upstream)
}

func (d *Cluster) NameServerDialer(t transport.Transport) transport.Dialer {
	u := d.Upstream
	u.SendProxy = false
	return t.Towards(u)
}

// directory asks the name servers on behalf of everyone: one query per topic at a time however many clients ask, and
// for a moment its answer serves those who come later. When no name server answers, the last good answer does.
type clusterActor struct {
	*Cluster
	env     *env.Env
	self    system.Sink
	servers map[string]*actor.PID // nameserver actors by address
	queries map[int64]*query
	downAt  int64 // when no name server answered; 0: one does
	warned  system.Seldom
	looked  int64 // when the cluster was last asked for
	cancel  func()
}

func NewActor(e *env.Env, d *Cluster) *clusterActor { return &clusterActor{Cluster: d, env: e} }

// entry is what is known of one topic, or of the cluster.
type entry struct {
	code    int32
	remark  string
	body    []byte
	brokers []route.Broker
	good    bool
	at      int64 // when it was fetched
	used    int64
	waiting []*messages.RouteQuery
	asking  bool
}

// clusterTopic is the key of the cluster's entry. No topic has this name, whatever clients ask for.
const clusterTopic = "\x00cluster"

const (
	// maxTopic bounds what is asked for in bytes: topics have at most 127 characters, retry topics some more than 255
	// (TopicValidator.java#TOPIC_MAX_LENGTH, Validators.java#CHARACTER_MAX_LENGTH).
	maxTopic = 1024
	// fresh is how long an answer serves others without a new query. Short, so that a topic that was created or
	// changed a moment ago looks as it does at a name server; long enough that 10,000 clients cost one query a second.
	fresh = time.Second
	// forget: entries that nobody asked for. Clients poll each 30 s.
	forgetAfter = time.Hour
	// forgetAbsent: topics that are not, or that nobody could be asked about. Clients may make up as many as they like.
	forgetAbsent = 3 * time.Second
	// retryDown is how long name servers that have just failed to answer are not asked again.
	retryDown = time.Second
)

// Receive is part of actor.Actor.
func (d *clusterActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		d.start(ctx)
	case *messages.Subscribe:
		if !slices.ContainsFunc(d.subscribers, m.To.Equal) {
			d.subscribers = append(d.subscribers, m.To)
		}
		if !d.View.Answered().IsZero() {
			ctx.Send(m.To, &messages.Brokers{Cluster: d.Name, List: d.View.Brokers()})
		}
	case *messages.Unsubscribe:
		d.subscribers = slices.DeleteFunc(d.subscribers, m.From.Equal)
	case *messages.NameServers:
		d.turnTo(ctx, m)
	case *messages.RouteQuery:
		d.ask(ctx, m)
	case *messages.Queried:
		d.queried(ctx, m)
	case *hedge:
		d.hedge(ctx, m)
	case *messages.Refresh:
		d.refresh(ctx)
	case *messages.Tick:
		d.tick(ctx)
	case *messages.Fault:
		panic(m.Reason)
	case *actor.Restarting, *actor.Stopping: // when everything begins anew, it stops and has a successor all the same
		d.env.CleanUp(func() { d.stopTimers(); d.giveUpAll(ctx) })
	}
}

func (d *clusterActor) start(ctx actor.Context) {
	d.self = system.NewSink(d.env.System, ctx.Self())
	d.queries, d.servers = map[int64]*query{}, map[string]*actor.PID{}
	for _, s := range d.Servers() {
		d.servers[s.Address] = d.spawn(ctx, s)
	}
	d.cancel = system.Every(retryDown, d.self, &messages.Tick{})
	d.look(ctx)
}

func (d *clusterActor) spawn(ctx actor.Context, s *NameServer) *actor.PID {
	address, dialer := s.Address, d.NameServerDialer(d.env.Transport)
	props := d.env.Props(func() actor.Actor { return &nameserver{env: d.env, address: address, known: s, dialer: dialer} }, nil, nil)
	pid, err := ctx.SpawnNamed(props, "nameserver/"+address)
	if errors.Is(err, actor.ErrNameExists) { // one that was dismissed a moment ago is still on its way out
		return ctx.SpawnPrefix(props, "nameserver/"+address)
	}
	if err != nil {
		panic(fmt.Sprintf("cannot start the actor of name server %s: %v", address, err))
	}
	return pid
}

// tick looks at the cluster when it is time: often while nobody has answered yet.
func (d *clusterActor) tick(ctx actor.Context) {
	now := d.env.Now()
	if d.downAt != 0 || now-d.looked >= int64(d.Refresh) {
		d.look(ctx)
	}
	for topic, e := range d.entries {
		if !e.asking && now-e.used > int64(e.patience()) && topic != clusterTopic {
			delete(d.entries, topic)
		}
	}
}

// patience is how long an entry is kept that nobody asks for.
func (e *entry) patience() time.Duration {
	if e.good && e.code == codec.ResSuccess {
		return forgetAfter
	}
	return forgetAbsent
}

// refresh looks at once, but not more often than answers are fresh: many clients lose the same broker together.
func (d *clusterActor) refresh(ctx actor.Context) {
	if d.env.Now()-d.looked >= int64(fresh) {
		d.look(ctx)
	}
}

func (d *clusterActor) look(ctx actor.Context) {
	d.looked = d.env.Now()
	if e := d.entry(clusterTopic); !e.asking {
		d.query(ctx, clusterTopic, e)
	}
}

func (d *clusterActor) entry(topic string) *entry {
	e := d.entries[topic]
	if e == nil {
		e = &entry{}
		d.entries[topic] = e
	}
	e.used = d.env.Now()
	return e
}

func (d *clusterActor) ask(ctx actor.Context, m *messages.RouteQuery) {
	topic := m.Topic
	switch {
	case m.Cluster:
		topic = clusterTopic
	case len(topic) > maxTopic || topic == clusterTopic:
		ctx.Send(m.To, &messages.RouteReply{X: m.X, Code: codec.ResSystemError, Remark: "rocketmq-proxy: no topic can have that name"})
		return
	}
	e := d.entry(topic)
	now := d.env.Now()
	if e.good && d.downAt != 0 { // nobody waits for name servers that do not answer
		d.tell(ctx, m, e)
		if !e.asking && now-d.downAt >= int64(retryDown) {
			d.query(ctx, topic, e)
		}
		return
	}
	if !e.asking && e.at != 0 && now-e.at < int64(fresh) {
		d.tell(ctx, m, e)
		return
	}
	e.waiting = append(e.waiting, m)
	if !e.asking {
		d.query(ctx, topic, e)
	}
}

// accept takes an answer that is good: a route, or the word that there is none.
func (d *clusterActor) accept(ctx actor.Context, q *query, e *entry, m *messages.Queried) error {
	if m.Err != nil {
		return m.Err
	}
	var brokers []route.Broker
	var err error
	switch {
	case m.Answer.Code == codec.ResTopicNotExist && q.topic != clusterTopic:
	case m.Answer.Code != codec.ResSuccess:
		return fmt.Errorf("it answers %s: %s", codec.ResponseCodeName(m.Answer.Code), m.Answer.Remark)
	case q.topic == clusterTopic:
		brokers, err = rewrite.ClusterBrokers(m.Answer.Body)
	default:
		brokers, err = rewrite.TopicRouteBrokers(m.Answer.Body)
	}
	if err != nil {
		return fmt.Errorf("cannot read its answer: %w", err)
	}
	d.downAt = 0
	first := d.View.Answered().IsZero()
	e.code, e.remark, e.body, e.brokers = m.Answer.Code, m.Answer.Remark, m.Answer.Body, brokers
	e.good, e.at = true, d.env.Now()
	if d.View.learn(m.Address, brokers) || first {
		d.env.Log.Info("brokers are known", "cluster", d.Name, "name server", m.Address, "brokers", d.View.Brokers())
		for _, s := range d.subscribers {
			ctx.Send(s, &messages.Brokers{Cluster: d.Name, List: d.View.Brokers()})
		}
	}
	return nil
}

// failed: no name server answered. The last good answer stays; without one it is code 1, never 17, which would make
// producers create the topic.
func (d *clusterActor) failed(ctx actor.Context, q *query, e *entry) {
	now := d.env.Now()
	d.downAt = now
	if d.warned.Due(now) {
		about := []any{"cluster", d.Name, "name servers", d.NameServers, "last error", q.last}
		if at := d.View.Answered(); at.IsZero() {
			d.env.Log.Warn("no name server has answered yet; listeners open when one does, retrying each second", about...)
		} else {
			d.env.Log.Warn("no name server answers; serving what was known, retrying each second", append(about, "last answer", at)...)
		}
	}
	if !e.good {
		e.code, e.at = codec.ResSystemError, now
		e.remark = fmt.Sprintf("rocketmq-proxy: no name server of cluster %s answers: %v", d.Name, q.last)
	}
}

func (d *clusterActor) tell(ctx actor.Context, m *messages.RouteQuery, e *entry) {
	ctx.Send(m.To, &messages.RouteReply{X: m.X, Cluster: m.Cluster, Code: e.code, Remark: e.remark, Body: e.body, Brokers: e.brokers})
}

// giveUpAll answers everybody who waits, from what is known.
func (d *clusterActor) giveUpAll(ctx actor.Context) {
	for _, e := range d.entries {
		if !e.good {
			e.code, e.remark, e.at = codec.ResSystemError, "rocketmq-proxy: the directory failed; ask again", 0
		}
		for _, w := range e.waiting {
			d.tell(ctx, w, e)
		}
		e.waiting, e.asking = nil, false
	}
}
