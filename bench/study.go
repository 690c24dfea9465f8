//go:build linux

package main

import (
	"time"
)

// study is one comparison: what stands beside ours and behind all of them, and where the result goes.
type study struct {
	candidates  []string
	out         string
	scenarios   func(o options, files int) []scenario
	behind      func(b *bench) error // starts what candidates stand in front of
	tries       int                  // of a measurement, before its failure is the bench's
	report      func(all results) string
	environment func() string // the machine and what else there is to know
	document    func(environment string, now time.Time, table string) string
}

// besideHAProxy has a sink behind the candidates: what they cost is all there is to see.
func besideHAProxy() study {
	return study{
		candidates:  []string{"direct", "haproxy", "ours"},
		out:         "bench/RESULTS.md",
		scenarios:   scenarios,
		behind:      (*bench).startSink,
		tries:       1,
		report:      report,
		environment: machine,
		document:    document,
	}
}

// besideApache has a RocketMQ behind the candidates, as Apache's proxy wants more of a broker than the sink is.
func besideApache() study {
	return study{
		candidates:  []string{"direct", "apache", "ours"},
		out:         "bench/RESULTS-APACHE.md",
		scenarios:   apacheScenarios,
		behind:      (*bench).startRocketMQ,
		tries:       3, // a broker on a busy machine stalls for seconds now and then, and Apache's proxy ends if it does so at its start
		report:      apacheReport,
		environment: func() string { return machine() + ", RocketMQ " + rocketMQVersion + " on " + javaVersion() },
		document:    apacheDocument,
	}
}

func (o options) study() study {
	switch {
	case o.apache:
		return besideApache()
	case o.before != "":
		return besideBefore()
	}
	return besideHAProxy()
}
