//go:build linux

package main

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/load"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/report"
)

// scenario is one kind of load. Its name is what -scenario matches.
type scenario struct {
	name      string
	spec      load.Spec
	also      []string   // candidates beside those of the study
	only      []string   // the study's candidates that take part; nil: all
	process   bool       // about a process: a direct connection has none
	startOnly bool       // nothing but the start is measured
	real      bool       // in front of a real broker
	grpc      bool       // of gRPC clients
	quiet     bool       // neighbors do not change it: it is not measured under load
	upstream  bool       // TLS towards brokers; towards clients says the spec
	slices    int        // in which candidates take turns within a round; below 2: one after another
	most      int        // rounds; 0: as many as there are
	heat      *load.Spec // what a candidate that compiles does before it is measured; nil: nothing
}

// A TCP proxy of one process uses two files for each client; the bridge to TLS in the generator uses three.
const (
	filesPerClient    = 2
	filesPerTLSClient = 3
)

// scenarios are what there is to measure. files is the limit on open files: clients are fewer where it is low.
func scenarios(o options, files int) []scenario {
	many := min(20_000, (files-1000)/filesPerClient)
	list := sends(o, many)
	list = append(list, answers(o)...)
	list = append(list, features(o, many)...)
	list = append(list, secured(o, files)...)
	list = append(list, sizes(o, many)...)
	return append(list, hostile(o)...)
}

// sends are loads of small requests.
func sends(o options, many int) []scenario {
	slow := func(connections int) load.Spec {
		s := o.busy(load.Send, connections, 1)
		s.Warmup, s.Measure = max(s.Warmup, o.atLeast), max(s.Measure, 2*o.atLeast)
		return s
	}
	rate := o.busy(load.Send, 16, 1024)
	rate.Rate = report.FixedRate
	mixed := o.busy(load.Mixed, 120, 1)
	mixed.Pollers = 100
	epoll := []string{"ours-epoll"}
	return []scenario{
		byTurns(scenario{name: "1x1", spec: o.busy(load.Send, 1, 1), also: epoll}),
		byTurns(scenario{name: "256x1", spec: o.busy(load.Send, 256, 1), also: epoll}),
		byTurns(scenario{name: "16x16", spec: o.busy(load.Send, 16, 16), also: epoll}),
		byTurns(scenario{name: "binary", spec: o.busy(load.Binary, 16, 16), also: epoll}),
		byTurns(scenario{name: "rate", spec: rate, also: epoll}),
		{name: "mixed", spec: mixed, also: epoll},
		byTurns(scenario{name: "16x1", spec: o.busy(load.Send, 16, 1)}),
		{name: "4096x1", spec: slow(min(4096, many)), also: epoll},
		{name: "20000x1", spec: slow(many)},
		{name: "real", spec: o.busy(load.Send, 16, 16), real: true},
	}
}

// answers are loads of large ones, which have store hosts.
func answers(o options) []scenario {
	pull := o.busy(load.Pull, 16, 1)
	pull.Answer = 100 << 10
	also := []string{"ours-epoll", "ours-ids"}
	return []scenario{
		byTurns(scenario{name: "pop", spec: o.busy(load.Pop, 16, 1), also: also}),
		byTurns(scenario{name: "pull", spec: pull, also: also}),
	}
}

// features are loads of ours alone, with and without what can be switched on.
func features(o options, many int) []scenario {
	links := o.idle(min(5000, many/2)) // three files for each client
	links.Workload, links.Window = load.Both, 2
	return []scenario{
		byTurns(scenario{
			name: "features", spec: o.busy(load.Send, 16, 16), only: []string{"ours"}, also: []string{"ours-one-port", "ours-routes", "ours-limit"},
		}),
		{name: "two-links", spec: links, only: []string{}, also: []string{"ours-routes"}, process: true, quiet: true, most: 3},
	}
}

// secured are loads with TLS, for which all candidates use the same cipher.
func secured(o options, files int) []scenario {
	withTLS := func(s load.Spec) load.Spec {
		s.TLS = true
		return s
	}
	plain := o.busy(load.Send, 16, 16)
	idle := withTLS(o.idle(min(4000, (files-1000)/filesPerTLSClient)))
	return []scenario{
		byTurns(scenario{name: "tls-client", spec: withTLS(plain), process: true}),
		byTurns(scenario{name: "tls-upstream", spec: plain, upstream: true, process: true}),
		byTurns(scenario{name: "tls-both", spec: withTLS(plain), upstream: true, process: true}),
		byTurns(scenario{name: "tls-256x1", spec: withTLS(o.busy(load.Send, 256, 1)), process: true}),
		{name: "tls-idle", spec: idle, process: true, quiet: true, most: 3},
	}
}

// sizes are about memory, and the start.
func sizes(o options, many int) []scenario {
	pull := o.busy(load.Pull, 16, 1)
	pull.Answer = 16<<20 - 1<<10 // the whole frame is at most 16 MiB
	pull.Measure = max(o.measure, 2*o.atLeast)
	return []scenario{
		{name: "idle5000", spec: o.idle(min(5000, many)), process: true, quiet: true, most: 3},
		{name: "idle20000", spec: o.idle(many), process: true, quiet: true, most: 3},
		{name: "load", spec: o.busy(load.Send, 256, 16), process: true, quiet: true, most: 3},
		{name: "big", spec: pull, process: true, quiet: true, most: 3},
		{name: "start", process: true, startOnly: true, quiet: true, most: 3},
	}
}

// hostile are inputs in pairs, of ours alone.
func hostile(o options) (list []scenario) {
	for _, in := range load.Inputs() {
		s := load.Spec{Hostile: in.Name, Connections: 4, Warmup: o.warmup, Measure: o.measure}
		harmless := s
		harmless.Harmless = true
		list = append(list,
			scenario{name: report.Hostile + in.Name, spec: s, only: []string{"ours"}, quiet: true},
			scenario{name: report.Harmless + in.Name, spec: harmless, only: []string{"ours"}, quiet: true})
	}
	return list
}

// turnsEach is how often candidates take turns within a round.
const turnsEach = 10

// byTurns has candidates run at the same time and be loaded by turns, in slices that are together as long as one
// measurement. Each has all its connections open, so it is for those with few of them.
func byTurns(s scenario) scenario {
	s.slices = turnsEach
	if s.spec.Rate > 0 {
		s.slices /= 2 // a rate takes a while to be one
	}
	s.spec.Measure /= time.Duration(s.slices)
	s.spec.Warmup = s.spec.Measure / 4
	return s
}

func (o options) busy(w load.Workload, connections, window int) load.Spec {
	return load.Spec{Workload: w, Connections: connections, Window: window, Warmup: o.warmup, Measure: o.measure, Count: o.count}
}

func (o options) idle(n int) load.Spec {
	return load.Spec{Workload: load.Send, Connections: n, Window: 1, Idle: true, Settle: o.settle}
}

// heatTime is what a JVM gets to compile what a scenario needs. After 10 s with both cores busy, a request of 1x1 took
// thrice the CPU that it takes after 40 s, and the heap was a fifth.
const heatTime = 40 * time.Second

// apacheScenarios are those that Apache's proxy can be in. It cannot serve pops on its remoting port: it takes them
// for pulls. Sends are heated up with many in flight, since one at a time would be far too few.
func apacheScenarios(o options, files int) []scenario {
	var list []scenario
	for _, s := range scenarios(o, files) {
		switch s.name {
		case "1x1", "256x1", "16x16":
			heat := o.busy(load.Send, 16, 16)
			s.heat = &heat
		case "pull":
			heat := s.spec
			s.heat = &heat
		case "load":
			s.spec.Measure = max(o.measure, o.heat)
		case "start":
		default:
			continue
		}
		if s.heat != nil {
			s.heat.Measure = o.heat
		}
		s.real, s.also, s.most = true, nil, 0
		list = append(list, s)
	}
	return append(list, grpcScenarios(o)...)
}

// grpcScenarios are those of gRPC clients.
func grpcScenarios(o options) []scenario {
	send, receive := o.busy(load.GRPCSend, 16, 4), o.busy(load.GRPCReceive, 16, 1)
	heat := func(s load.Spec) *load.Spec {
		s.Measure = o.heat
		return &s
	}
	return []scenario{
		{name: "grpc-send", spec: send, heat: heat(send), grpc: true, process: true, real: true},
		{name: "grpc-receive", spec: receive, heat: heat(receive), grpc: true, process: true, real: true},
		{name: "grpc-idle", spec: o.idle(grpcClients), grpc: true, process: true, real: true},
	}
}

// grpcClients is how many of them idle: each has a connection, its settings and a receive that waits.
const grpcClients = 1000
