//go:build linux

package candidate

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/process"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/wire"
)

// Candidate is one of them.
type Candidate struct {
	Name string
	// Compiles has a process compile what it runs often while it runs: it is measured after a load that has it do so.
	Compiles bool
	Ours     bool
	// NameServer is what clients dial first; nil: Site.Front.
	NameServer func(Site) string
	// GRPC is what gRPC clients dial; nil: NameServer.
	GRPC func(Site) string

	Command func(s Site, dir string) (*exec.Cmd, error) // prepares a run whose files go to dir; nil: nothing stands between
	end     syscall.Signal                              // 0: SIGKILL
	relays  bool                                        // does not read routes: clients are told what to dial
}

// Site is where a candidate stands.
type Site struct {
	Front   string // the candidate's address for name server clients
	Second  string // one more: of a TCP proxy for the broker, of Apache's for gRPC, of ours for PROXY headers
	Metrics string // the admin address of ours

	NameServer string // behind the candidates
	Broker     string

	ClientTLS   bool
	UpstreamTLS bool
	Proxied     bool   // ours also listens on Second, for connections with a PROXY header
	OnePort     bool   // ours has one port for all brokers
	Routed      bool   // and ten routes, and a second cluster, a static one
	Limited     bool   // ours has a limit that nothing exceeds
	Certificate string // PEM file with a certificate and its key

	Binary string   // ours
	Before string   // an older one of ours
	Env    []string // of our processes, added to ours
	Jars   string   // the class path of RocketMQ's programs
}

// All are all candidates.
func All() []Candidate {
	return []Candidate{
		{Name: "direct", NameServer: func(s Site) string { return s.NameServer }},
		{Name: "haproxy", Command: haproxy, relays: true},
		{Name: "nginx", Command: nginx, relays: true, end: syscall.SIGTERM},
		{Name: "apache", Command: apache, Compiles: true, GRPC: func(s Site) string { return s.Second }},
		{Name: "before", Command: before, Ours: true},
		{Name: "ours", Command: ours, Ours: true},
		{Name: "ours-epoll", Command: oursWithoutRing, Ours: true},
		{Name: "ours-ids", Command: oursWithIDs, Ours: true},
		{Name: "ours-one-port", Command: oursOnOnePort, Ours: true},
		{Name: "ours-routes", Command: oursWithRoutes, Ours: true},
		{Name: "ours-limit", Command: oursWithLimit, Ours: true},
	}
}

// Named finds candidates by their names, which are separated by commas; only those that are allowed.
func Named(names string, allowed []string) (chosen []Candidate, err error) {
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(All(), func(c Candidate) bool { return c.Name == name })
		if i < 0 || !slices.Contains(allowed, name) {
			return nil, fmt.Errorf("-candidates: there is no %q; there are %s", name, strings.Join(allowed, ", "))
		}
		chosen = append(chosen, All()[i])
	}
	return chosen, nil
}

// Process tells a candidate that has one from a direct connection.
func (c Candidate) Process() bool { return c.Command != nil }

// Running is a candidate that has given its first answer.
type Running struct {
	*process.Running
	NameServer string // what clients dial
	Broker     string // what clients dial then; empty: what the route says
	GRPC       string // what gRPC clients dial
}

// Start returns when the candidate has given its first answer. Its files are in a directory of their own below dir.
func (c Candidate) Start(s Site, dir string) (*Running, error) {
	r := &Running{Running: &process.Running{}, NameServer: s.Front}
	if c.NameServer != nil {
		r.NameServer = c.NameServer(s)
	}
	r.GRPC = r.NameServer
	if c.GRPC != nil {
		r.GRPC = c.GRPC(s)
	}
	if !c.Process() {
		return r, nil
	}
	dir, err := os.MkdirTemp(dir, c.Name)
	if err != nil {
		return nil, err
	}
	cmd, err := c.Command(s, dir)
	if err != nil {
		return nil, err
	}
	end := c.end
	if end == 0 {
		end = syscall.SIGKILL
	}
	if c.relays {
		r.Broker = s.Second
	}
	if r.Running, err = process.Launch(c.Name, cmd, end); err != nil {
		return nil, err
	}
	return r, r.Await(func() error { return answers(r.NameServer, s.ClientTLS) })
}

func answers(nameServer string, secured bool) error {
	if secured {
		_, err := wire.AskRoute(nameServer, wire.ClientTLS())
		return err
	}
	_, err := wire.AskRoute(nameServer, nil)
	return err
}
