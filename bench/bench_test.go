//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/candidate"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/load"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/report"
)

// TestMain lets the test binary be sink, generator and busy process, as the program itself is.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && slices.Contains([]string{roleSink, roleLoad, roleSpin}, os.Args[1]) {
		if err := run(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// brief are options of a run that is over soon; how much it measures is left to the machine.
func brief() options {
	return options{
		rounds: 1, warmup: time.Millisecond, measure: 50 * time.Millisecond, count: 20 * time.Millisecond,
		settle: time.Millisecond, atLeast: 100 * time.Millisecond, binary: "/nonexistent",
	}
}

func newTestBench(t *testing.T, o options) *bench {
	b, err := newBench(&strings.Builder{}, o)
	require.NoError(t, err)
	t.Cleanup(b.close)
	return b
}

// asleep is a candidate whose clients go to what stands behind it.
func asleep() candidate.Candidate {
	return candidate.Candidate{
		Name:       "asleep",
		NameServer: func(s candidate.Site) string { return s.NameServer },
		Command:    func(candidate.Site, string) (*exec.Cmd, error) { return exec.Command("sleep", "600"), nil },
	}
}

// Every scenario can be measured, of ours, with a few connections and for a moment.
func TestEveryScenario(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the proxy")
	}
	o := brief()
	o.binary = ""
	b := newTestBench(t, o)
	who, err := candidate.Named("ours,ours-one-port,ours-routes,ours-limit", append(besideHAProxy().candidates, besideHAProxy().also...))
	require.NoError(t, err)
	const files = 1300
	for _, s := range standard(o, files) {
		t.Run(s.name, func(t *testing.T) {
			all := report.Results{}
			require.NoError(t, b.run([]scenario{s}, who, all))
			require.Len(t, all[s.name], len(b.takePart(s, who)))
			for name, outcomes := range all[s.name] {
				require.Len(t, outcomes, 1, name)
				check(t, s, outcomes[0])
			}
		})
	}
}

// check has what there must be of a candidate's outcome.
func check(t *testing.T, s scenario, o load.Outcome) {
	switch {
	case s.startOnly:
		require.Positive(t, o.Start)
		return
	case s.spec.Idle:
		require.Equal(t, s.spec.Connections, o.Clients)
		require.Positive(t, o.Goroutines)
	case s.spec.Hostile != "":
		require.Positive(t, o.Bytes)
		require.Positive(t, o.CPU)
	default:
		require.Positive(t, o.Requests)
		require.Positive(t, o.Seconds)
		require.Positive(t, o.CPU)
		require.Positive(t, o.P50)
		require.GreaterOrEqual(t, o.P99, o.P50)
		require.GreaterOrEqual(t, o.P999, o.P99)
	}
	require.Positive(t, o.After)
	require.GreaterOrEqual(t, o.Peak, o.After)
}

// With a busy process on each core the bench measures as ever, and ends the processes.
func TestUnderLoad(t *testing.T) {
	o := brief()
	o.load = true
	b, err := newBench(&strings.Builder{}, o)
	require.NoError(t, err)
	busy := slices.Clone(b.own)
	who, err := candidate.Named("direct", besideHAProxy().candidates)
	require.NoError(t, err)
	outcomes, err := b.measure(scenario{spec: o.busy(load.Send, 4, 4)}, who)
	require.NoError(t, err)
	require.Positive(t, outcomes[0].Requests)
	require.Zero(t, outcomes[0].CPU, "nothing stands between")
	b.close()
	for _, pid := range busy[1:] { // the first is this process
		require.NoDirExists(t, fmt.Sprintf("/proc/%d", pid))
	}
}

// A load that fails shows which candidate has to bear it before what is measured.
func TestWhatCompilesIsHeated(t *testing.T) {
	b := newTestBench(t, brief())
	c := asleep()
	cold := b.o.busy(load.Send, 1, 1)
	cold.Workload, cold.Connections = load.Send, 0 // nothing is ever answered
	s := scenario{spec: b.o.busy(load.Send, 1, 1), heat: &cold}
	_, err := b.measure(s, []candidate.Candidate{c})
	require.NoError(t, err)
	c.Compiles = true
	_, err = b.measure(s, []candidate.Candidate{c})
	require.ErrorContains(t, err, "before measuring")
}

func TestAFailureIsTriedAgain(t *testing.T) {
	b := newTestBench(t, brief())
	starts := 0
	c := asleep()
	c.Name, c.Command = "moody", func(candidate.Site, string) (*exec.Cmd, error) {
		if starts++; starts < 3 {
			return nil, errors.New("not today")
		}
		return exec.Command("sleep", "600"), nil
	}
	var log strings.Builder
	b.log, b.tries = &log, 3
	s, who := scenario{name: "start", startOnly: true}, []candidate.Candidate{c}
	require.NoError(t, b.together(s, 0, who, report.Results{}))
	require.Equal(t, 3, starts)
	require.Equal(t, 2, strings.Count(log.String(), "once more, as it failed: moody: not today"))

	starts, b.tries = 0, 2
	require.ErrorContains(t, b.together(s, 0, who, report.Results{}), "not today")
	require.Equal(t, 2, starts)
}
