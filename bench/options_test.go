//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/candidate"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/load"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/report"
)

func namesOf(list []scenario) (names []string) {
	for _, s := range list {
		names = append(names, s.name)
	}
	return names
}

func TestFlags(t *testing.T) {
	o, err := parse([]string{"-quick"})
	require.NoError(t, err)
	require.Equal(t, 1, o.rounds)
	require.Empty(t, o.out, "what is good for nothing but a look replaces no results")
	o.scenario = "16x16|idle.*"
	list, err := chooseScenarios(o)
	require.NoError(t, err)
	require.Equal(t, []string{"16x16", "idle5000", "idle20000"}, namesOf(list))
	o.scenario = "nothing"
	_, err = chooseScenarios(o)
	require.ErrorContains(t, err, `matches none of 1x1, 256x1`)
	_, err = candidate.Named("ours,envoy", o.study().candidates)
	require.ErrorContains(t, err, `there is no "envoy"`)

	o, err = parse(nil)
	require.NoError(t, err)
	require.Equal(t, "bench/RESULTS.md", o.out)
	require.Equal(t, "direct,haproxy,nginx,ours,ours-epoll,ours-ids,ours-one-port,ours-routes,ours-limit", o.candidates, "what needs Java is not among them")
	_, err = parse([]string{"16x16"})
	require.ErrorContains(t, err, `unknown argument "16x16"`)
}

func TestFlagsOfLoad(t *testing.T) {
	o, err := parse([]string{"-load"})
	require.NoError(t, err)
	require.Equal(t, "bench/RESULTS-LOADED.md", o.out)
	list, err := chooseScenarios(o)
	require.NoError(t, err)
	require.Contains(t, namesOf(list), "16x16")
	require.NotContains(t, namesOf(list), "idle5000", "neighbors do not change memory")
}

// A report can be written again without measuring.
func TestNoRounds(t *testing.T) {
	dir := t.TempDir()
	data, out := filepath.Join(dir, "data.json"), filepath.Join(dir, "RESULTS.md")
	all := report.Results{}
	all.Add("1x1", "haproxy", load.Outcome{Requests: 10, Seconds: 1, CPU: 100})
	all.Add("1x1", "ours", load.Outcome{Requests: 10, Seconds: 1, CPU: 50})
	require.NoError(t, all.Write(data))
	o, err := parse([]string{"-rounds", "0", "-data", data, "-out", out})
	require.NoError(t, err)
	var stdout strings.Builder
	require.NoError(t, compare(o, &stdout))
	text, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Contains(t, string(text), "| send 1 KiB, 1 × 1: CPU | µs/request | 0.01 | 0.01 | 0.50 | ≤ 0.85 | met |")
	require.Contains(t, stdout.String(), "| 0.50 | ≤ 0.85 | met |")
}

func TestARealBrokerIsMeasuredWhenAskedFor(t *testing.T) {
	require.NotContains(t, namesOf(standard(options{}, 100_000)), "real")
	require.Contains(t, namesOf(standard(options{real: true}, 100_000)), "real")
}

func TestFlagsOfBefore(t *testing.T) {
	o, err := parse([]string{"-before", "/tmp/old"})
	require.NoError(t, err)
	require.Empty(t, o.out, "printed only")
	require.Equal(t, "before,ours", o.candidates)
	who, err := candidate.Named(o.candidates, o.study().candidates)
	require.NoError(t, err)
	for _, s := range o.study().scenarios(o, 100_000) {
		require.Len(t, (&bench{o: o}).takePart(s, who), 2, s.name)
	}
}

func TestFlagsOfApache(t *testing.T) {
	o, err := parse([]string{"-apache"})
	require.NoError(t, err)
	require.Equal(t, "bench/RESULTS-APACHE.md", o.out)
	list, err := chooseScenarios(o)
	require.NoError(t, err)
	require.NotEmpty(t, list)
	for _, s := range list {
		require.NotEqual(t, load.Pop, s.spec.Workload, "Apache's proxy cannot pop")
		require.True(t, s.real, s.name)
		if s.process && !s.grpc || s.spec.Idle {
			require.Nil(t, s.heat, s.name)
			continue
		}
		require.Equal(t, heatTime, s.heat.Measure, s.name)
		require.Equal(t, s.spec.Workload, s.heat.Workload, s.name)
	}
	_, err = candidate.Named("haproxy", o.study().candidates)
	require.ErrorContains(t, err, "there are direct, apache, ours")

	o, err = parse([]string{"-apache", "-out", "", "-candidates", "ours"})
	require.NoError(t, err)
	require.Empty(t, o.out, "printed only")
	require.Equal(t, "ours", o.candidates)
}

func TestEveryRowHasItsScenario(t *testing.T) {
	names := map[string]bool{}
	for _, s := range scenarios(options{}, 100_000) {
		names[s.name] = true
		require.LessOrEqual(t, s.spec.Connections, 20_000)
	}
	for _, name := range report.Scenarios() {
		require.True(t, names[name], name)
	}
	beside := namesOf(apacheScenarios(options{}, 100_000))
	for _, name := range report.ApacheScenarios() {
		require.Contains(t, beside, name)
	}
}

// With few open files there are fewer clients, not none.
func TestFewOpenFiles(t *testing.T) {
	for _, s := range scenarios(options{}, 1300) {
		require.LessOrEqual(t, 2*s.spec.Connections, 512, s.name)
	}
}
