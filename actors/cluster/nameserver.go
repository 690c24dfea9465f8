package cluster

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// NameServer is what is known of one name server; its actor writes it, and it may be read from any goroutine.
type NameServer struct {
	Address           string
	Up                atomic.Bool // it answered when it was last asked
	Queries, Failures atomic.Uint64

	machines atomic.Pointer[[]netip.Addr] // what its name stands for; nil: it is an address, or not looked up yet
}

// Servers are the name servers as configured, with what is known of each.
func (c *Cluster) Servers() []*NameServer { return *c.known.Load() }

// useNameServers replaces the name servers; of those that stay, the one that answered last goes first.
func (c *Cluster) useNameServers(addresses []string) {
	c.NameServers = addresses
	c.update(func(s *Snapshot) { s.turnTo(addresses) })
	c.know(addresses)
}

// know replaces the list of name servers; what is known of those that stay is kept.
func (c *Cluster) know(addresses []string) {
	var before, now []*NameServer
	if list := c.known.Load(); list != nil {
		before = *list
	}
	for _, address := range addresses {
		if i := slices.IndexFunc(before, func(s *NameServer) bool { return s.Address == address }); i >= 0 {
			now = append(now, before[i])
		} else {
			now = append(now, &NameServer{Address: address})
		}
	}
	c.known.Store(&now)
}

// AnyNameServer is the destination of connections that are for a name server, whichever answers.
func (c *Cluster) AnyNameServer(t transport.Transport) messages.Destination {
	return &anyNameServer{c, c.nameServerDialer(t)}
}

func (c *Cluster) nameServerDialer(t transport.Transport) transport.Dialer {
	u := c.Upstream
	u.SendProxy = false
	return t.Towards(u)
}

type anyNameServer struct {
	cluster *Cluster
	dialer  transport.Dialer
}

func (a *anyNameServer) Target(attempt int) (address string, ok bool) {
	servers := a.cluster.Snapshot().NameServers()
	if len(servers) == 0 {
		return "", false
	}
	return servers[attempt%len(servers)], true
}

func (a *anyNameServer) Serves(address string, remote netip.AddrPort) bool {
	for _, s := range a.cluster.Servers() {
		if s.Address == address {
			return s.standsFor(remote)
		}
	}
	return false
}

func (a *anyNameServer) Dialer() transport.Dialer     { return a.dialer }
func (a *anyNameServer) Away() bool                   { return false }
func (a *anyNameServer) Dialed()                      {}
func (a *anyNameServer) DialFailed(error) (r bool)    { return false }
func (a *anyNameServer) Expected() *messages.Expected { return nil }
func (a *anyNameServer) Pause() *messages.Pause       { return nil }
func (a *anyNameServer) String() string               { return "name servers of " + a.cluster.Name }

// nameserver is the cluster's own connection to one name server: opened by the first query, closed by the server
// when it is idle, or by us when an answer is overdue, because what comes after that cannot be trusted to be timely.
type nameserver struct {
	env     *env.Env
	known   *NameServer
	dialer  transport.Dialer
	self    system.Sink
	parent  *actor.PID
	sock    transport.Conn
	partial []byte
	opaque  int32
	waiting map[int32]pendingQuery
}

// How a source and its name servers talk.
type (
	// nameServerQuery asks one name server. The answer comes in any case.
	nameServerQuery struct {
		id   int64
		code int32
		ext  map[string]string
	}
	// nameServerAnswer is the outcome: an answer, or an error.
	nameServerAnswer struct {
		id      int64
		address string
		answer  *codec.Command
		err     error
	}
)

type pendingQuery struct {
	asked  *nameServerQuery
	cancel func()
}

// queryOverdue tells that a query has waited for too long.
type queryOverdue struct{ opaque int32 }

var errOverdue = errors.New("no answer in time (timeouts.name_server)")

// Receive is part of actor.Actor.
func (n *nameserver) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		n.self, n.parent = system.NewSink(n.env.System, ctx.Self()), ctx.Parent()
		n.waiting = map[int32]pendingQuery{}
	case *nameServerQuery:
		n.query(m)
	case *transport.Chunk:
		n.read(ctx, m)
	case *transport.Closed:
		if m.Conn == n.sock {
			n.fail(ctx, m.Err)
		}
	case *checkMachine:
		n.leaveOldMachine()
	case *queryOverdue:
		if _, ok := n.waiting[m.opaque]; ok {
			n.fail(ctx, errOverdue)
		}
	case *actor.Restarting:
		n.env.CleanUp(func() { n.fail(ctx, errors.New("BUG: its actor failed")) })
	case *actor.Stopping:
		n.env.CleanUp(n.close)
	}
}

func (n *nameserver) query(m *nameServerQuery) {
	if n.sock == nil {
		n.sock = n.dialer.Dial(n.known.Address, transport.Downstream{}, n.self)
	}
	n.known.Queries.Add(1)
	n.opaque++
	c := codec.Command{Code: m.code, Language: codec.Java, Version: codec.Version5_5_0, Opaque: n.opaque, Ext: m.ext}
	n.waiting[n.opaque] = pendingQuery{m, system.After(n.env.Settings().QueryTimeout, n.self, &queryOverdue{n.opaque})}
	n.sock.Write(c.Append(nil, codec.JSON), nil)
}

// read puts whole answers together: they are ours to read, not to pass on.
func (n *nameserver) read(ctx actor.Context, ch *transport.Chunk) {
	defer ch.Release()
	if ch.Conn != n.sock {
		return
	}
	n.partial = append(n.partial, ch.B...)
	lim := codec.Limits{MaxFrame: n.env.Settings().MaxFrame, MaxHeader: n.env.Settings().MaxHeader}
	for len(n.partial) >= codec.PrefixLen {
		p, err := codec.ReadPrefix(n.partial, lim)
		if err == nil && len(n.partial) < p.Size {
			return
		}
		var answer *codec.Command
		if err == nil {
			answer, _, err = codec.Decode(n.partial[:p.Size:p.Size], lim)
		}
		if err != nil {
			n.env.Rejections.Malformed(err)
			n.fail(ctx, err)
			return
		}
		n.answered(ctx, answer)
		n.partial = n.partial[p.Size:]
	}
	if len(n.partial) == 0 {
		n.partial = nil // the answers' bodies point into it
	} else {
		n.partial = append([]byte(nil), n.partial...)
	}
}

func (n *nameserver) answered(ctx actor.Context, c *codec.Command) {
	q, ok := n.waiting[c.Opaque]
	if !ok || !c.IsResponse() {
		return
	}
	n.known.Up.Store(true)
	delete(n.waiting, c.Opaque)
	q.cancel()
	ctx.Send(n.parent, &nameServerAnswer{id: q.asked.id, address: n.known.Address, answer: c})
}

// fail closes the connection and tells everybody who waits.
func (n *nameserver) fail(ctx actor.Context, err error) {
	waiting := n.waiting
	n.waiting = map[int32]pendingQuery{}
	n.close()
	if len(waiting) > 0 { // else it was closed while idle
		n.known.Up.Store(false)
		n.known.Failures.Add(uint64(len(waiting)))
	}
	for _, q := range waiting {
		q.cancel()
		ctx.Send(n.parent, &nameServerAnswer{id: q.asked.id, address: n.known.Address, err: fmt.Errorf("cannot ask: %w", err)})
	}
}

func (n *nameserver) close() {
	if n.sock != nil {
		n.sock.Close()
		n.sock = nil
	}
	n.partial = nil
	for _, q := range n.waiting {
		q.cancel()
	}
}
