//go:build linux

package report

import (
	"fmt"
	"strings"
	"time"
)

// apacheRows are the lines of the table beside Apache's proxy.
func apacheRows() (list []goal) {
	for _, scenario := range []string{"1x1", "256x1", "16x16", "pull"} {
		list = append(list,
			goal{what: titles[scenario] + ": CPU", unit: "µs/request", scenario: scenario, value: cpuOf},
			goal{what: titles[scenario] + ": throughput", unit: "1/s", scenario: scenario, value: rateOf})
	}
	for _, g := range []goal{
		{what: "gRPC, send 1 KiB, 16 × 4", scenario: "grpc-send"},
		{what: "gRPC, send 32 × 1 KiB, receive, acknowledge, 16 × 1", scenario: "grpc-receive"},
	} {
		list = append(list,
			goal{what: g.what + ": CPU", unit: "µs/call", scenario: g.scenario, value: cpuOf},
			goal{what: g.what + ": memory at most", unit: "MB", scenario: g.scenario, value: peakOf})
	}
	return append(list,
		goal{what: "gRPC, memory per idle client", unit: "kB", scenario: "grpc-idle", value: kilobytesEach},
		goal{what: "memory started", unit: "MB", scenario: "load", value: beforeOf},
		goal{what: "memory under load, 256 × 16, at most", unit: "MB", scenario: "load", value: peakOf},
		goal{what: "start to first answer", unit: "s", scenario: "start", value: startOf})
}

// ApacheScenarios are the names of the scenarios that the table beside Apache's proxy needs.
func ApacheScenarios() (names []string) {
	for _, w := range apacheRows() {
		names = append(names, w.scenario)
	}
	return names
}

// Apache is the table of what was measured beside Apache's proxy.
func (t Tables) Apache() string {
	var b strings.Builder
	b.WriteString("| what | unit | direct | Apache's proxy | ours | Apache's ÷ ours |\n|---|---|---|---|---|---|\n")
	for _, w := range apacheRows() {
		mine, theirs := t.values(w.scenario, "ours", w.value), t.values(w.scenario, "apache", w.value)
		if len(mine)+len(theirs) == 0 {
			continue
		}
		direct := ""
		if w.unit == "1/s" {
			direct = figure(t.values(w.scenario, "direct", w.value))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", w.what, w.unit, direct, figure(theirs), figure(mine),
			figure(ratios(theirs, mine)))
	}
	return b.String()
}

// ApacheDocument is the table as a file; heat is what Java gets to compile before it is measured.
func ApacheDocument(environment string, now time.Time, heat time.Duration, table string) string {
	return fmt.Sprintf(`# Results of bench beside Apache's proxy

Written by `+"`task bench:apache`"+` on %s: %s.

Both proxies in front of the same RocketMQ, a name server and one broker. Medians over rounds in which candidates took
turns; a ratio is the median of the rounds' ratios. CPU and memory are those of the proxy's process. Only ratios mean
anything elsewhere. Throughput says little even here: it is that of a broker which shares all cores with generator,
proxy and name server.

Apache's proxy has the JVM options and the logging of a release, and %s of load before sends and pulls are measured, so
that Java has compiled what it needs. Memory is that after the start, and the most within %[3]s of load. Pops are not
among the loads: its remoting port takes them for pulls. An idle gRPC client has a connection, has told its settings, and
waits for messages.

%s`, now.UTC().Format("2006-01-02 15:04 MST"), environment, heat, table)
}
