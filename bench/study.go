//go:build linux

package main

import (
	"slices"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/process"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/report"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/rocketmq"
)

// study is one comparison: what stands beside ours, what is measured, and where the result goes.
type study struct {
	candidates []string // by default
	also       []string // those that some scenarios have beside them
	out        string
	tries      int // of a measurement, before its failure is the bench's
	scenarios  func(o options, files int) []scenario
	report     func(t report.Tables) string
	document   func(o options, t report.Tables) string
}

func (o options) study() study {
	switch {
	case o.apache:
		return besideApache()
	case o.before != "":
		return besideBefore()
	}
	s := besideHAProxy()
	if o.load {
		s.out = "bench/RESULTS-LOADED.md"
	}
	return s
}

// besideHAProxy has a sink behind the candidates: what they cost is all there is to see.
func besideHAProxy() study {
	return study{
		candidates: []string{"direct", "haproxy", "nginx", "ours"},
		also:       []string{"ours-epoll", "ours-ids", "ours-one-port", "ours-routes", "ours-limit"},
		out:        "bench/RESULTS.md",
		tries:      2, // on a busy machine a connection may not come about in time
		scenarios:  standard,
		report: func(t report.Tables) string {
			return t.Goals() + "\n" + t.Features() + "\n" + t.Loads() + "\n" + t.Memory() + "\n" + t.Hostile()
		},
		document: func(o options, t report.Tables) string {
			task := "task bench"
			if o.load {
				task = "task bench:loaded"
			}
			return t.Document(report.Circumstances{Task: task, Environment: report.Machine(), Time: time.Now(), LoadAverage: process.LoadAverage()})
		},
	}
}

// standard leaves out what was not asked for: a real broker, and under load what neighbors do not change.
func standard(o options, files int) []scenario {
	return slices.DeleteFunc(scenarios(o, files), func(s scenario) bool { return s.real && !o.real || s.quiet && o.load })
}

// besideBefore has another binary of ours beside the present one: what a change costs.
func besideBefore() study {
	s := besideHAProxy()
	s.candidates, s.also, s.out, s.document = []string{"before", "ours"}, nil, "", nil
	s.report = report.Tables.Before
	s.scenarios = func(o options, files int) []scenario {
		return slices.DeleteFunc(standard(o, files), func(s scenario) bool { return s.only != nil })
	}
	return s
}

// besideApache has a RocketMQ behind the candidates, as Apache's proxy wants more of a broker than the sink is.
func besideApache() study {
	return study{
		candidates: []string{"direct", "apache", "ours"},
		out:        "bench/RESULTS-APACHE.md",
		tries:      3, // a broker on a busy machine stalls for seconds now and then, and Apache's proxy ends if it does so at its start
		scenarios:  apacheScenarios,
		report:     report.Tables.Apache,
		document: func(_ options, t report.Tables) string {
			environment := report.Machine() + ", RocketMQ " + rocketmq.Version + " on " + rocketmq.JavaVersion()
			return report.ApacheDocument(environment, time.Now(), heatTime, t.Apache())
		},
	}
}
