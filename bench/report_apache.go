//go:build linux

package main

import (
	"fmt"
	"strings"
	"time"
)

// apacheRows are the lines of the table.
func apacheRows() []row {
	list := []row{}
	for _, t := range [][2]string{
		{"1x1", "send 1 KiB, 1 connection, 1 in flight"},
		{"256x1", "send 1 KiB, 256 × 1"},
		{"16x16", "send 1 KiB, 16 × 16"},
		{"pull", "pull answers of 100 KiB, 16 × 1"},
	} {
		list = append(list,
			row{what: t[1] + ": CPU", unit: "µs/request", scenario: t[0], value: cpuOf},
			row{what: t[1] + ": throughput", unit: "1/s", scenario: t[0], value: rateOf})
	}
	return append(list,
		row{what: "memory started", unit: "MB", scenario: "load", value: beforeOf},
		row{what: "memory under load, 256 × 16, at most", unit: "MB", scenario: "load", value: peakOf},
		row{what: "start to first answer", unit: "s", scenario: "start", value: startOf})
}

// apacheReport is the table of what was measured beside Apache's proxy.
func apacheReport(all results) string {
	var t strings.Builder
	t.WriteString("| what | unit | direct | Apache's proxy | ours | Apache's ÷ ours |\n|---|---|---|---|---|---|\n")
	for _, w := range apacheRows() {
		mine, theirs := w.values(all, "ours"), w.values(all, "apache")
		if len(mine)+len(theirs) == 0 {
			continue
		}
		fmt.Fprintf(&t, "| %s | %s | %s | %s | %s | %s |\n", w.what, w.unit, w.direct(all), figure(theirs), figure(mine),
			figure(ratios(theirs, mine)))
	}
	return t.String()
}

// apacheDocument is the report as a file.
func apacheDocument(environment string, now time.Time, table string) string {
	return fmt.Sprintf(`# Results of bench beside Apache's proxy

Written by `+"`task bench:apache`"+` on %s: %s.

Both proxies in front of the same RocketMQ, a name server and one broker. Medians over rounds in which candidates took
turns; a ratio is the median of the rounds' ratios. CPU and memory are those of the proxy's process. Only ratios mean
anything elsewhere. Throughput says little even here: it is that of a broker which shares all cores with generator,
proxy and name server.

Apache's proxy has the JVM options and the logging of a release, and %s of load before sends and pulls are measured, so
that Java has compiled what it needs. Memory is that after the start, and the most within %[3]s of load. Pops are not
among the loads: its remoting port takes them for pulls.

%s`, now.UTC().Format("2006-01-02 15:04 MST"), environment, heatTime, table)
}
