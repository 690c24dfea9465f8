package actors

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// Connection describes one client connection and its upstream.
type Connection = messages.ClientReport

// Filter chooses connections. The zero value chooses all.
type Filter struct {
	Listener string // the name; "": any
	Broker   string // such as "broker-a/0"; "": any
	// Search must be a part of the remote address, the client id, the broker or the listener; capitals do not matter.
	Search string
	// Upstream: only connections that have an upstream.
	Upstream bool
}

// Page is the part of a list that is wanted.
type Page struct {
	Sort   string // one of Sorts; "": by listener, broker and remote address
	Offset int    // of the first one
	Limit  int    // 0: none, only the number of all
}

// sorts compare two connections so that the one that is looked for comes first.
var sorts = map[string]func(a, b *Connection) int{
	"remote":             func(a, b *Connection) int { return cmp.Compare(a.Remote, b.Remote) },
	"client_id":          func(a, b *Connection) int { return cmp.Compare(a.ClientID, b.ClientID) },
	"version":            func(a, b *Connection) int { return cmp.Compare(a.Version, b.Version) },
	"age_seconds":        func(a, b *Connection) int { return cmp.Compare(b.Age, a.Age) },
	"idle_seconds":       func(a, b *Connection) int { return cmp.Compare(b.Idle, a.Idle) },
	"requests_in_flight": func(a, b *Connection) int { return cmp.Compare(b.InFlight, a.InFlight) },
	"bytes_kept":         func(a, b *Connection) int { return cmp.Compare(b.Kept, a.Kept) },
}

// Sorts are the words that Page.Sort knows; those of amounts have the largest first.
func Sorts() []string {
	names := make([]string, 0, len(sorts))
	for name := range sorts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Connections returns one page of the client connections that f chooses, and how many it chooses in all. When the
// context ends it returns what has been reported until then: connections are busy for microseconds at a time, so one
// that has not answered within a second or two has ended.
func (p *Proxy) Connections(ctx context.Context, f Filter, page Page) (list []*Connection, total int) {
	all := p.reports(ctx, f)
	slices.SortFunc(all, func(a, b *Connection) int {
		first := 0
		if by := sorts[page.Sort]; by != nil {
			first = by(a, b)
		}
		return cmp.Or(first, cmp.Compare(a.Listener, b.Listener), cmp.Compare(a.Broker, b.Broker), cmp.Compare(a.Remote, b.Remote))
	})
	from := min(max(page.Offset, 0), len(all))
	return all[from:min(from+max(page.Limit, 0), len(all))], len(all)
}

// CountConnections counts client connections.
func (p *Proxy) CountConnections(ctx context.Context) int { return len(p.list(ctx)) }

// chooses reports whether f lets a connection through.
func (f *Filter) chooses(c *Connection) bool {
	if f.Listener != "" && f.Listener != c.Listener || f.Broker != "" && f.Broker != c.Broker || f.Upstream && len(c.Upstreams) == 0 {
		return false
	}
	if f.Search == "" {
		return true
	}
	wanted := strings.ToLower(f.Search)
	return slices.ContainsFunc([]string{c.Remote, c.ClientID, c.Broker, c.Listener}, func(s string) bool {
		return strings.Contains(strings.ToLower(s), wanted)
	})
}

// gathering adds up what supervisors announce and connections send.
type gathering struct {
	supervisors int // whose announcement is still to come; the top one's comes first
	missing     int
}

func (g *gathering) announced(connections, supervisors int) {
	g.supervisors += supervisors - 1
	g.missing += connections
}

func (g *gathering) more() bool { return g.supervisors > 0 || g.missing > 0 }

// gather asks the tree a question and collects answers with f until f wants no more or the context ends.
func (p *Proxy) gather(ctx context.Context, question func(to *actor.PID) any, f func(message any) (more bool)) {
	heard, done := make(chan any), make(chan struct{})
	pid := p.hear(func(message any) bool {
		select {
		case heard <- message:
			return true
		case <-done:
			return false
		}
	})
	defer p.env.System.Root.Stop(pid)
	defer close(done)
	p.env.System.Root.Send(p.top, question(pid))
	for {
		select {
		case m := <-heard:
			if !f(m) {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (p *Proxy) reports(ctx context.Context, f Filter) (all []*Connection) {
	g := gathering{supervisors: 1}
	p.gather(ctx, func(to *actor.PID) any { return &messages.Report{To: to} }, func(message any) bool {
		switch m := message.(type) {
		case *messages.Counted:
			g.announced(m.N, m.Supervisors)
		case *messages.ClientReport:
			g.missing--
			if f.chooses(m) {
				all = append(all, m)
			}
		}
		return g.more()
	})
	return all
}

// list returns the actors of all connections, supervisor by supervisor.
func (p *Proxy) list(ctx context.Context) (all []*actor.PID) {
	g := gathering{supervisors: 1}
	p.gather(ctx, func(to *actor.PID) any { return &messages.ListConnections{To: to} }, func(message any) bool {
		if m, ok := message.(*messages.ConnectionList); ok {
			g.announced(0, m.Supervisors)
			all = append(all, m.Connections...)
		}
		return g.more()
	})
	return all
}
