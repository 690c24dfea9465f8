//go:build linux

package report

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/load"
)

func TestLoads(t *testing.T) {
	all := Results{}
	ours := took(5)
	ours.P50, ours.P99, ours.P999 = 10*time.Microsecond, 20*time.Microsecond, 30*time.Microsecond
	ours.Switches, ours.Syscalls, ours.Others = 500, 4, 0.1
	all.Add("1x1", "direct", took(0))
	all.Add("1x1", "haproxy", took(10))
	all.Add("1x1", "ours", ours)
	text := tables(all).Loads()
	require.Equal(t, "| send 1 KiB, 1 × 1 | direct |  |  | 1000 | 1.00 | 0.00 | 0.00 | 0.00 |  |  | 0.00 |", line(t, text, "direct"))
	require.Equal(t, "|  | HAProxy | 10.0 |  | 1000 |  | 0.00 | 0.00 | 0.00 | n/a | 0.00 | 0.00 |", line(t, text, "| HAProxy |"))
	require.Equal(t, "|  | ours | 5.00 | 0.50 | 1000 | 1.00 | 10.0 | 20.0 | 30.0 | 4.00 | 0.50 | 10.0 |", line(t, text, "| ours |"))
}

// Every scenario of a load has a title, and every title a line.
func TestEveryLoadHasATitle(t *testing.T) {
	require.Len(t, titles, len(order))
	for _, scenario := range order {
		require.NotEmpty(t, titles[scenario], scenario)
	}
	for _, g := range goals() {
		require.NotEmpty(t, g.what)
		require.NotContains(t, g.what, ": : ", g.scenario)
	}
}

func TestHostileInputs(t *testing.T) {
	require.Empty(t, tables(Results{}).Hostile())
	all := Results{}
	all.Add("hostile-tiny", "ours", load.Outcome{Bytes: 1000, CPU: 4000})
	all.Add("harmless-tiny", "ours", load.Outcome{Bytes: 2000, CPU: 2000})
	require.Equal(t, "| frames of 10 bytes, beside sends of 1 KiB | 4.00 | 1.00 | 4.00 |", line(t, tables(all).Hostile(), "10 bytes"))
}

func TestBefore(t *testing.T) {
	all := Results{}
	for range 3 {
		all.Add("16x16", "before", took(10))
		all.Add("16x16", "ours", took(11))
		all.Add("load", "before", load.Outcome{Before: 20 << 20})
		all.Add("load", "ours", load.Outcome{Before: 22 << 20})
	}
	text := tables(all).Before()
	require.Equal(t, "| send 1 KiB, 16 × 16: CPU | µs/request | 10.0 | 11.0 | 1.10 [1.10–1.10] |", line(t, text, "CPU"))
	require.Equal(t, "| memory started | MB | 20.0 | 22.0 | 1.10 [1.10–1.10] |", line(t, text, "memory started"))
}

func TestApache(t *testing.T) {
	all := Results{}
	for _, speed := range []float64{1, 3, 1} { // the machine is slower in one round
		all.Add("1x1", "direct", load.Outcome{Requests: 2000, Seconds: speed})
		all.Add("1x1", "apache", took(600*speed))
		all.Add("1x1", "ours", took(40*speed))
	}
	all.Add("load", "apache", load.Outcome{Before: 300 << 20, Peak: 2400 << 20})
	all.Add("load", "ours", load.Outcome{Before: 20 << 20, Peak: 30 << 20})
	all.Add("start", "ours", load.Outcome{Start: 40 * time.Millisecond})
	text := tables(all).Apache()
	require.Equal(t, "| send 1 KiB, 1 × 1: CPU | µs/request |  | 600 | 40.0 | 15.0 |", line(t, text, "1 × 1: CPU"))
	require.Equal(t, "| send 1 KiB, 1 × 1: throughput | 1/s | 2000 | 1000 | 1000 | 1.00 |", line(t, text, "1 × 1: throughput"))
	require.Equal(t, "| memory started | MB |  | 300 | 20.0 | 15.0 |", line(t, text, "memory started"))
	require.Equal(t, "| memory under load, 256 × 16, at most | MB |  | 2400 | 30.0 | 80.0 |", line(t, text, "under load"))
	require.Equal(t, "| start to first answer | s |  |  | 0.04 |  |", line(t, text, "start to first"), "not every candidate was measured")
	require.NotContains(t, text, "256 × 1:", "what was not measured has no line")
	file := ApacheDocument("a machine, RocketMQ 5.5.0", time.Unix(0, 0), 40*time.Second, text)
	require.Contains(t, file, "1970-01-01 00:00 UTC: a machine, RocketMQ 5.5.0.")
	require.True(t, strings.HasSuffix(file, "\n\n"+text))
	require.NotContains(t, file, "%!")
}

func TestDocument(t *testing.T) {
	all := Results{}
	all.Add("1x1", "haproxy", took(10))
	all.Add("1x1", "ours", took(5))
	quiet := tables(all)
	text := quiet.Document(Circumstances{Task: "task bench", Environment: "a machine", Time: time.Unix(0, 0), LoadAverage: "0.5"})
	require.Contains(t, text, "# Results of bench\n\nWritten by `task bench` on 1970-01-01 00:00 UTC: a machine.\n")
	require.Contains(t, text, "the load average at the end was 0.5")
	require.Contains(t, text, "## Memory")
	require.NotContains(t, text, "busy process")
	require.NotContains(t, text, "%!")
	quiet.Loaded = true
	text = quiet.Document(Circumstances{})
	require.Contains(t, text, "# Results of bench under load\n")
	require.Contains(t, text, "A busy process of the bench ran on each core")
	require.NotContains(t, text, "## Memory")
}

func TestResultsAreKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "results.json")
	all, err := Read(file)
	require.NoError(t, err)
	require.Empty(t, all, "there is none yet")
	all.Add("1x1", "ours", took(5))
	require.NoError(t, all.Write(file))
	again, err := Read(file)
	require.NoError(t, err)
	require.Equal(t, all, again)
}
