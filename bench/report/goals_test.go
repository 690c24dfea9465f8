//go:build linux

package report

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/load"
)

// took is an outcome of 1,000 requests in a second at so many microseconds of CPU each.
func took(micros float64) load.Outcome {
	return load.Outcome{Requests: 1000, Seconds: 1, CPU: time.Duration(micros * 1e6)}
}

func line(t *testing.T, text, what string) string {
	t.Helper()
	for l := range strings.Lines(text) {
		if strings.Contains(l, what) {
			return strings.TrimSpace(l)
		}
	}
	t.Fatalf("no line with %q in:\n%s", what, text)
	return ""
}

func tables(all Results) Tables { return Tables{Results: all, MostOthers: 0.15} }

func TestGoals(t *testing.T) {
	all := Results{}
	for i, speed := range []float64{1, 3, 1} { // the machine is slower in one round
		all.Add("1x1", "haproxy", took(10*speed))
		all.Add("1x1", "ours", took([]float64{9, 8, 9}[i]*speed))
		all.Add("256x1", "haproxy", took(10*speed))
		all.Add("256x1", "ours", took(18*speed))
		all.Add("256x1", "ours-epoll", took(11*speed))
	}
	text := tables(all).Goals()
	require.Equal(t, "| send 1 KiB, 1 × 1: CPU | µs/request | 10.0 | 9.00 | 0.90 [0.85–0.90] | ≤ 0.85 | missed by 5.9 % |", line(t, text, "1 × 1: CPU"))
	require.Contains(t, line(t, text, "256 × 1: CPU |"), "| 1.80 [1.80–1.80] | ≤ 0.90 | missed by 100.0 % |")
	require.Contains(t, line(t, text, "256 × 1: CPU, io_uring off"), "| 1.10 [1.10–1.10] | ≤ 1.10 | met |")
	require.Contains(t, line(t, text, "256 × 1: throughput"), "| 1.00 [1.00–1.00] | ≥ 1.00 | met |")
	require.NotContains(t, text, "idle client", "what was not measured has no line")
}

// A round in which other processes used too much is left out; where that is most of them, nothing is compared.
func TestDisturbedRoundsAreNotCompared(t *testing.T) {
	disturbed := took(1000)
	disturbed.Others = 0.42
	all := Results{}
	for range 2 {
		all.Add("1x1", "haproxy", took(10))
		all.Add("1x1", "ours", took(5))
	}
	all.Add("1x1", "haproxy", took(10))
	all.Add("1x1", "ours", disturbed)
	require.Contains(t, line(t, tables(all).Goals(), "1 × 1: CPU"), "| 0.50 | ≤ 0.85 | met |")

	for range 2 {
		all.Add("1x1", "haproxy", disturbed)
		all.Add("1x1", "ours", took(5))
	}
	require.Contains(t, line(t, tables(all).Goals(), "1 × 1: CPU"), "|  | ≤ 0.85 | not compared: other processes used up to 42 % |")
	require.Contains(t, line(t, tables(all).Loads(), "| ours |"), "not compared")
	require.Contains(t, line(t, tables(all).Anyway().Goals(), "1 × 1: CPU"), "| ≤ 0.85 | met |")
	require.Contains(t, tables(all).Document(Circumstances{}), "Rounds in which they used more than 15 % are not compared.")
	require.Contains(t, tables(all).Anyway().Document(Circumstances{}), "compared all the same")
}

func TestGoalsOfMemory(t *testing.T) {
	all := Results{}
	all.Add("idle20000", "haproxy", load.Outcome{Clients: 9500, Before: 1 << 20, After: 1<<20 + 9500<<10, Others: 0.9})
	all.Add("idle20000", "ours", load.Outcome{Clients: 9500, Before: 1 << 20, After: 1<<20 + 9500<<12})
	require.Equal(t, "| memory per idle client, 20,000 of them (here 9500: open files) | kB | 1.00 | 4.00 | 4.00 | ≤ 2.6 kB | missed by 53.8 % |",
		line(t, tables(all).Goals(), "20,000"), "neighbors change nothing about memory")
	require.Equal(t, "| an idle client, 20,000 of them (here 9500: open files) | kB | 1.00 |  | 4.00 |", line(t, tables(all).Memory(), "20,000"))
}

func TestGoalsOfGrowth(t *testing.T) {
	all := Results{}
	for who, of := range map[string]float64{"haproxy": 20, "ours": 40} {
		all.Add("16x1", who, took(10))
		all.Add("4096x1", who, took(of))
	}
	require.Contains(t, line(t, tables(all).Goals(), "growth"), "| 2.00 | 4.00 | 2.00 | ≤ 1.00 | missed by 100.0 % |")
}

// What is added to a direct connection may be less than nothing; then nothing is the yardstick.
func TestGoalsOfAddedTime(t *testing.T) {
	added := func(haproxy, ours time.Duration) string {
		all := Results{}
		for who, d := range map[string]time.Duration{"direct": 100, "haproxy": haproxy, "ours": ours} {
			all.Add("rate", who, load.Outcome{P50: d * time.Microsecond, P99: d * time.Microsecond})
		}
		return line(t, tables(all).Goals(), "p50")
	}
	require.Contains(t, added(150, 140), "| 50.0 | 40.0 | 0.80 | ≤ 1.00 | met |")
	require.Contains(t, added(150, 170), "| 50.0 | 70.0 | 1.40 | ≤ 1.00 | missed by 20 µs |")
	require.Contains(t, added(90, 80), "| -10.0 | -20.0 |  | ≤ 1.00 | met |")
	require.Contains(t, added(90, 130), "| -10.0 | 30.0 |  | ≤ 1.00 | missed by 30 µs |")
}
