package cluster

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// nameServers is the source of a cluster that has name servers. It has an actor for each of them.
type nameServers struct {
	c       *clusterActor
	servers map[string]*actor.PID // by address
	queries map[int64]*query
	looking map[*NameServer]bool // up its name
}

// query is one question on its way to the name servers: the one that answered last is asked first, the next one when
// it fails or takes long, and the first who knows decides. Who merely does not know the topic is believed when the
// others have nothing better: a name server that was restarted knows nothing until the brokers have come by.
type query struct {
	key    key
	order  []string          // of name servers
	asked  int               // of them
	open   int               // of those, not heard of yet
	absent *nameServerAnswer // from one that does not know the topic
	last   error
	cancel func() // of the hedge
}

// hedge is a source's own message: a query has been waiting for long enough for somebody else to be asked too.
type hedge struct{ id int64 }

// hedgeAfter is what a name server that hangs costs the first question; afterwards the one that answers is asked
// first. A name server that is well answers in a few milliseconds.
const hedgeAfter = 200 * time.Millisecond

func (n *nameServers) start(ctx actor.Context) {
	n.queries, n.servers, n.looking = map[int64]*query{}, map[string]*actor.PID{}, map[*NameServer]bool{}
	for _, s := range n.c.Servers() {
		n.servers[s.Address] = n.spawn(ctx, s)
	}
}

func (n *nameServers) spawn(ctx actor.Context, s *NameServer) *actor.PID {
	dialer := n.c.nameServerDialer(n.c.env.Transport)
	props := n.c.env.Props(func() actor.Actor { return &nameserver{env: n.c.env, known: s, dialer: dialer} }, nil, nil)
	pid, err := ctx.SpawnNamed(props, "nameserver/"+s.Address)
	if errors.Is(err, actor.ErrNameExists) { // one that was dismissed a moment ago is still on its way out
		return ctx.SpawnPrefix(props, "nameserver/"+s.Address)
	}
	if err != nil {
		panic(fmt.Sprintf("cannot start the actor of name server %s: %v", s.Address, err))
	}
	return pid
}

func (n *nameServers) receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *nameServerAnswer:
		n.queried(ctx, m)
	case *hedge:
		n.hedge(ctx, m)
	case *lookedUp:
		n.lookedUp(ctx, m)
	}
}

func (n *nameServers) ask(ctx actor.Context, k key) {
	n.c.lastID++
	q := &query{key: k, order: n.c.Snapshot().NameServers()}
	n.queries[n.c.lastID] = q
	n.next(ctx, n.c.lastID, q)
}

// next asks one name server more.
func (n *nameServers) next(ctx actor.Context, id int64, q *query) {
	address := q.order[q.asked]
	q.asked++
	q.open++
	m := &nameServerQuery{id: id, code: codec.ReqGetBrokerClusterInfo}
	switch {
	case q.key.list && q.key.topic == "":
		m.code = codec.ReqGetAllTopicListFromNameServer
	case q.key.list:
		m.code, m.ext = codec.ReqGetTopicsByCluster, map[string]string{"cluster": q.key.topic}
	case q.key != wholeCluster:
		m.code, m.ext = codec.ReqGetRouteInfoByTopic, q.key.ext()
	}
	ctx.Send(n.servers[address], m)
	n.waitFor(id, q)
}

// ext are the fields of a request for a route.
func (k key) ext() map[string]string {
	ext := map[string]string{"topic": k.topic, "acceptStandardJsonOnly": "true"}
	if k.zoneName != "" {
		ext["__ZONE_NAME"] = k.zoneName
	}
	if k.zoneMode != "" {
		ext["__ZONE_MODE"] = k.zoneMode
	}
	return ext
}

// waitFor sets the time after which a query does not rely on those who were asked.
func (n *nameServers) waitFor(id int64, q *query) {
	q.stop()
	if q.asked < len(q.order) || q.absent != nil {
		q.cancel = system.After(hedgeAfter, n.c.self, &hedge{id})
	}
}

func (q *query) stop() {
	if q.cancel != nil {
		q.cancel()
		q.cancel = nil
	}
}

func (n *nameServers) hedge(ctx actor.Context, m *hedge) {
	switch q := n.queries[m.id]; {
	case q == nil:
	case q.asked < len(q.order):
		n.next(ctx, m.id, q)
	case q.absent != nil:
		n.settle(ctx, m.id, q, q.absent)
	}
}

func (n *nameServers) queried(ctx actor.Context, m *nameServerAnswer) {
	q := n.queries[m.id]
	if q == nil { // somebody else was faster
		return
	}
	q.open--
	others := q.open > 0 || q.asked < len(q.order)
	if q.key != wholeCluster && m.err == nil && m.answer.Code == codec.ResTopicNotExist && others {
		q.absent = m
		for q.asked < len(q.order) {
			n.next(ctx, m.id, q)
		}
		n.waitFor(m.id, q)
		return
	}
	n.settle(ctx, m.id, q, m)
}

// settle ends a query with an answer, if it is good or nobody else can give one.
func (n *nameServers) settle(ctx actor.Context, id int64, q *query, m *nameServerAnswer) {
	err := m.err
	if err == nil {
		if err = n.c.accept(ctx, q.key, m.address, m.answer); err != nil {
			n.distrust(m.address)
		}
	}
	if err != nil {
		q.last = fmt.Errorf("name server %s: %w", m.address, err)
		switch {
		case q.asked < len(q.order):
			n.next(ctx, id, q)
			return
		case q.open > 0:
			return
		case q.absent != nil && m != q.absent:
			n.settle(ctx, id, q, q.absent)
			return
		}
		n.c.failed(q.key, q.last)
	}
	q.stop()
	delete(n.queries, id)
	n.c.settled(ctx, q.key)
}

// distrust notes that a name server's answer was of no use; its actor has noted only that one came.
func (n *nameServers) distrust(address string) {
	for _, s := range n.c.Servers() {
		if s.Address == address {
			s.Up.Store(false)
			s.Failures.Add(1)
		}
	}
}

func (n *nameServers) stop(ctx actor.Context) {
	for _, q := range n.queries {
		q.stop()
	}
	for _, pid := range n.servers {
		ctx.Stop(pid)
	}
}

// turnTo has other name servers asked from now on. What the old ones told stays good until the new ones answer, and
// queries that are out are asked again.
func (n *nameServers) turnTo(ctx actor.Context, m *messages.Source) {
	if slices.Equal(n.c.NameServers, m.NameServers) {
		return
	}
	n.c.env.Log.Info("name servers changed", "cluster", n.c.Name, "before", describeAll(n.c.NameServers), "name_servers", describeAll(m.NameServers))
	n.c.useNameServers(m.NameServers)
	for _, s := range n.c.Servers() {
		if n.servers[s.Address] == nil {
			n.servers[s.Address] = n.spawn(ctx, s)
		}
	}
	for address, pid := range n.servers {
		if !slices.Contains(m.NameServers, address) {
			delete(n.servers, address)
			ctx.Stop(pid)
		}
	}
	n.askAgain(ctx)
	n.c.look(ctx)
}

// askAgain begins each query again, under another number: what the old name servers have to say comes too late.
func (n *nameServers) askAgain(ctx actor.Context) {
	out := n.queries
	n.queries = map[int64]*query{}
	for _, q := range out {
		q.stop()
		n.ask(ctx, q.key)
	}
}

func describeAll(addresses []string) string { return strings.Join(addresses, " ") }
