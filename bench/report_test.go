//go:build linux

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// took is an outcome of 1,000 requests in a second at so many microseconds of CPU each.
func took(micros float64) outcome {
	return outcome{Requests: 1000, Seconds: 1, CPU: time.Duration(micros * 1e6)}
}

func line(t *testing.T, text, what string) string {
	for l := range strings.Lines(text) {
		if strings.Contains(l, what) {
			return strings.TrimSpace(l)
		}
	}
	t.Fatalf("no line with %q in:\n%s", what, text)
	return ""
}

func TestReport(t *testing.T) {
	all := results{}
	for i, speed := range []float64{1, 3, 1} { // the machine is slower in one round
		all.add("1x1", "haproxy", took(10*speed))
		all.add("1x1", "ours", took([]float64{9, 8, 9}[i]*speed))
		all.add("256x1", "haproxy", took(10*speed))
		all.add("256x1", "ours", took(18*speed))
	}
	text := report(all)
	require.Equal(t, "| send 1 KiB, 1 connection, 1 in flight: CPU | µs/request |  | 10.0 | 9.00 | 0.90 | ≤ 1.0 | met |", line(t, text, "1 in flight: CPU"))
	require.Contains(t, line(t, text, "256 × 1: CPU"), "| 1.80 | ≤ 1.2 | missed by 50.0 % |")
	require.Contains(t, line(t, text, "256 × 1: throughput"), "| 1.00 | ≥ 1.0 | met |")
	require.NotContains(t, text, "idle client", "what was not measured has no line")
}

func TestReportOfMemory(t *testing.T) {
	all := results{}
	all.add("idle20000", "haproxy", outcome{Clients: 9500, Before: 1 << 20, After: 1<<20 + 9500<<10})
	all.add("idle20000", "ours", outcome{Clients: 9500, Before: 1 << 20, After: 1<<20 + 9500<<12})
	require.Equal(t, "| memory per idle client, 20,000 of them (here 9500: open files) | kB |  | 1.00 | 4.00 | 4.00 | ≤ 3.3 kB | missed by 21.2 % |",
		line(t, report(all), "20,000"))
}

func TestReportOfGrowth(t *testing.T) {
	all := results{}
	for _, who := range []string{"haproxy", "ours"} {
		all.add("16x1", who, took(10))
		all.add("4096x1", who, took(20))
	}
	require.Contains(t, line(t, report(all), "growth"), "| 2.00 | 2.00 | 1.00 | ≤ 1.3 × | missed by 53.8 % |")
}

// What is added to a direct connection may be less than nothing; then nothing is the yardstick.
func TestReportOfAddedTime(t *testing.T) {
	added := func(haproxy, ours time.Duration) string {
		all := results{}
		for who, d := range map[string]time.Duration{"direct": 100, "haproxy": haproxy, "ours": ours} {
			all.add("rate", who, outcome{P50: d * time.Microsecond, P99: d * time.Microsecond})
		}
		return line(t, report(all), "p50")
	}
	require.Contains(t, added(150, 140), "| 50.0 | 40.0 | 0.80 | ≤ 1.0 | met |")
	require.Contains(t, added(150, 170), "| 50.0 | 70.0 | 1.40 | ≤ 1.0 | missed by 20 µs |")
	require.Contains(t, added(90, 80), "| -10.0 | -20.0 |  | ≤ 1.0 | met |")
	require.Contains(t, added(90, 130), "| -10.0 | 30.0 |  | ≤ 1.0 | missed by 30 µs |")
}

func TestFlags(t *testing.T) {
	o, err := parse([]string{"-quick"})
	require.NoError(t, err)
	require.Equal(t, 1, o.rounds)
	require.Empty(t, o.out, "what is good for nothing but a look replaces no results")
	o.scenario = "16x16|idle.*"
	list, err := chooseScenarios(o)
	require.NoError(t, err)
	var names []string
	for _, s := range list {
		names = append(names, s.name)
	}
	require.Equal(t, []string{"16x16", "idle5000", "idle20000"}, names)
	o.scenario = "nothing"
	_, err = chooseScenarios(o)
	require.ErrorContains(t, err, `matches none of 1x1, 256x1`)
	o.candidates = "ours,envoy"
	_, err = chooseCandidates(o)
	require.ErrorContains(t, err, `there is no "envoy"`)
}

func TestEveryRowHasItsScenario(t *testing.T) {
	names := map[string]bool{}
	for _, s := range scenarios(options{}, 100_000) {
		names[s.name] = true
		require.LessOrEqual(t, s.spec.Connections, 20_000)
	}
	for _, w := range rows() {
		require.True(t, names[w.scenario], w.scenario)
		require.True(t, w.over == "" || names[w.over], w.over)
	}
}
