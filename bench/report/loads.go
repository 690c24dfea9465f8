//go:build linux

package report

import (
	"fmt"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/load"
)

// order is that of the lines: scenarios of loads.
var order = []string{"1x1", "16x1", "256x1", "4096x1", "20000x1", "16x16", "binary", "pop", "pull", "rate", "mixed", "tls-client", "tls-upstream", "tls-both", "tls-256x1", "real"}

// titles are what scenarios are called in tables.
var titles = map[string]string{
	"1x1":          "send 1 KiB, 1 × 1",
	"16x1":         "send 1 KiB, 16 × 1",
	"256x1":        "send 1 KiB, 256 × 1",
	"4096x1":       "send 1 KiB, 4,096 × 1",
	"20000x1":      "send 1 KiB, 20,000 × 1",
	"16x16":        "send 1 KiB, 16 × 16",
	"binary":       "send 100 B, binary header, 16 × 16",
	"pop":          "pop 32 × 1 KiB and 32 acks, 16 connections",
	"pull":         "pull answers of 100 KiB, 16 × 1",
	"rate":         fmt.Sprintf("send 1 KiB, %d/s, 16 connections", FixedRate),
	"mixed":        "100 long polls, 20 producers (times are the producers')",
	"tls-client":   "send 1 KiB, 16 × 16, TLS to clients",
	"tls-upstream": "send 1 KiB, 16 × 16, TLS to brokers",
	"tls-both":     "send 1 KiB, 16 × 16, TLS on both sides",
	"tls-256x1":    "send 1 KiB, 256 × 1, TLS to clients",
	"real":         "send 1 KiB, 16 × 16, a real broker",
}

// names are what candidates are called in tables, in the order of the lines.
var names = []struct{ candidate, name string }{
	{"direct", "direct"},
	{"haproxy", "HAProxy"},
	{"nginx", "nginx stream"},
	{"ours", "ours"},
	{"ours-epoll", "ours, io_uring off"},
	{"ours-ids", "ours, rewrite_message_ids off"},
}

// Loads is the table of what every candidate took for every load.
func (t Tables) Loads() string {
	var b strings.Builder
	b.WriteString("| load | candidate | CPU µs/request | ÷ HAProxy [quartiles] | requests/s | ÷ HAProxy | p50 µs | p99 µs | p99.9 µs | system calls/request | context switches/request | others % |\n" +
		"|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, scenario := range order {
		title := titles[scenario]
		for _, who := range names {
			rounds := t.Results[scenario][who.candidate]
			if len(rounds) == 0 {
				continue
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", title, who.name, strings.Join(t.load(scenario, who.candidate, rounds), " | "))
			title = ""
		}
	}
	return b.String()
}

func (t Tables) load(scenario, who string, rounds []load.Outcome) []string {
	cpu, rate := t.compare(scenario, who, "haproxy", cpuOf), t.compare(scenario, who, "haproxy", rateOf)
	value := func(m metric) string { return figure(t.values(scenario, who, m)) }
	ours := []string{value(cpuOf), besides(cpu), value(rateOf), figure(rate.ratios()), value(p50Of), value(p99Of), value(p999Of), "n/a", value(switchesOf), value(othersOf)}
	if median(t.values(scenario, who, syscallsOf)) > 0 {
		ours[7] = value(syscallsOf)
	}
	switch who {
	case "direct":
		ours[0], ours[1], ours[7], ours[8] = "", "", "", ""
	case "haproxy":
		ours[1], ours[3] = "", ""
	}
	if len(rounds) > 0 && rounds[0].Clients > 0 && strings.HasPrefix(scenario, "20000") && rounds[0].Clients < 20_000 {
		ours[9] += fmt.Sprintf(" (%d connections)", rounds[0].Clients)
	}
	return ours
}

// besides is the ratio, or why there is none.
func besides(c comparison) string {
	if c.refused() {
		return "not compared"
	}
	return spread(c.ratios())
}
