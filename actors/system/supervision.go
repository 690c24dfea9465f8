package system

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// What supervisors do about a panic. A lost connection is an event and comes as a message; a panic is a bug and comes here.
//
//	fails         what happens                                       more than the limit
//	request       restart; its one request is answered with code 1    (64 in 10 s) the connection ends
//	upstream      restart; its requests are answered with code 14     (5 in 10 s) the connection ends
//	connection    stop; its client reconnects                         -
//	acceptor      restart on the same open socket                     (10 in 10 s) the listener fails
//	connections   resume: its children are the clients, keep them     (10 in 10 s) the listener fails
//	listener      resume, for the same reason                         (10 in 10 s, or a child that failed too often) it
//	                                                                  is restarted: its clients are dropped, its
//	                                                                  sockets opened again after a growing pause
//	grpc          restart; its clients connect again                  -
//	sessions      resume: its children are the clients, keep them     (10 in 10 s) grpc is restarted
//	session       restart; its calls are answered with an error       (5 in 10 s) sessions fails
//	call          stop; its client is told of an error                -
//	metadata      restart; it asks again                              (10 in 10 s) grpc is restarted
//	links         resume, as it knows who waits for what              (10 in 10 s) grpc is restarted
//	link          restart; its exchanges are answered as lost         (5 in 10 s) links fails
//	nameserver    restart                                             (10 in 10 s) the cluster fails
//	broker        restart; it probes again at once if it was away     (10 in 10 s) the cluster fails
//	cluster       restart; it finds its last answers again            (10 in 10 s) the process ends
//	stats         restart; counters and recorders are kept outside        (10 in 10 s) the process ends
//	proxy         restart of everything                               (10 in 10 s) the process ends
//
// Of the statistics a crash loses only what the stats actor was applying: the sums of one recorder within one interval, and
// only if they are what made it panic. What a connection has noted it enters as it stops.
type directive int

const (
	restart directive = iota
	resume
	stop
)

func (d directive) String() string { return [...]string{"restarted", "resumed", "stopped"}[d] }

// escalated is what was done about one failure too many.
const escalated = "too many: escalated"

// window is the time in which failures are counted. Restarts come at once: all state that could poison a restart is
// gone with the instance, and a fault that comes with every message reaches its limit within the window.
const window = 10 * time.Second

type rule struct {
	does  directive
	limit int  // failures within the window; 0: no limit
	named bool // its id is kind/name
}

var rules = map[string]rule{
	"request":     {does: restart, limit: 64},
	"upstream":    {does: restart, limit: 5},
	"connection":  {does: stop},
	"acceptor":    {does: restart, limit: 10, named: true},
	"grpc":        {does: restart},
	"sessions":    {does: resume, limit: 10},
	"session":     {does: restart, limit: 5, named: true},
	"call":        {does: stop},
	"metadata":    {does: restart, limit: 10},
	"links":       {does: resume, limit: 10},
	"link":        {does: restart, limit: 5},
	"connections": {does: resume, limit: 10},
	"listener":    {does: resume, limit: 10, named: true},
	"nameserver":  {does: restart, limit: 10, named: true},
	"broker":      {does: restart, limit: 10, named: true},
	"cluster":     {does: restart, limit: 10, named: true},
	"stats":       {does: restart, limit: 10},
	Root:          {does: restart, limit: 10},
}

// Root is the id of the top supervisor; all others begin with it.
const Root = "proxy"

// Kinds are all kinds of actors that are supervised.
func Kinds() []string { return slices.Sorted(maps.Keys(rules)) }

// Kind is what an actor is, read off its id: proxy/listener/office/connections/connection$3/upstream is an upstream.
func Kind(pid string) string {
	kind, rest, named := "", pid, false
	for more := true; more; {
		var part string
		part, rest, more = strings.Cut(rest, "/")
		if named { // it is the name of the kind before, whatever it says
			named = false
			continue
		}
		kind, _, _ = strings.Cut(part, "$")
		named = rules[kind].named
	}
	return kind
}

// supervisor is the strategy of every supervisor of the tree. exceeded is what it does when a child fails too often.
type supervisor struct {
	failures *Failures
	exceeded func(s actor.Supervisor, child *actor.PID, why error)
}

// HandleFailure is part of actor.SupervisorStrategy.
func (s *supervisor) HandleFailure(_ *actor.ActorSystem, sup actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics, reason, message any) {
	kind := Kind(child.Id)
	r, known := rules[kind]
	if !known {
		r = rule{does: restart, limit: 10}
	}
	if r.does == resume && !resumable(kind, message) {
		r.does = restart
	}
	if r.limit > 0 {
		rs.Fail()
		if n := rs.NumberOfFailures(window); n > r.limit {
			rs.Reset()
			s.failures.add(child.Id, kind, reason, escalated)
			s.exceeded(sup, child, fmt.Errorf("%s %s failed %d times within %s, the last time with: %v", kind, child.Id, n, window, reason))
			return
		}
	}
	s.failures.add(child.Id, kind, reason, r.does.String())
	switch r.does {
	case resume:
		sup.ResumeChildren(child)
	case stop:
		sup.StopChildren(child)
	default:
		sup.RestartChildren(child)
	}
}

// resumable reports that a failed actor has an instance that can go on. One that failed to start has not, and one that
// passes on the failure of a child would leave that child suspended for ever. A listener starts again when the last of
// its old children is gone.
func resumable(kind string, message any) bool {
	switch message.(type) {
	case nil, *actor.Started, *actor.Restart:
		return false
	case *actor.Terminated:
		return kind != "listener"
	}
	return true
}

// escalate fails the supervisor itself, which its own supervisor then handles.
func escalate(sup actor.Supervisor, _ *actor.PID, why error) { sup.EscalateFailure(why, nil) }

// guarded runs clean-up that must not fail: a panic in Stopping or Stopped would keep the parent waiting for ever.
func guarded(onPanic func(any), f func()) {
	defer func() {
		if r := recover(); r != nil {
			onPanic(r)
		}
	}()
	f()
}
