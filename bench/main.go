//go:build linux

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Roles of the processes that a bench consists of, as first argument.
const (
	roleSink = "sink"
	roleLoad = "load"
)

// options are the flags.
type options struct {
	apache     bool
	rounds     int
	scenario   string
	candidates string
	binary     string
	before     string
	env        string
	data       string
	out        string
	seconds    float64
	quick      bool

	warmup, measure, heat, settle time.Duration // derived
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 2 && args[0] == roleSink {
		return runSink(args[1], os.Stdin, os.Stdout)
	}
	if len(args) == 2 && args[0] == roleLoad {
		var s spec
		if err := json.Unmarshal([]byte(args[1]), &s); err != nil {
			return err
		}
		return runLoad(s, os.Stdout)
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	runtime.LockOSThread() // what is launched dies with the thread that launched it
	return compare(o, os.Stdout)
}

func parse(args []string) (o options, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.BoolVar(&o.apache, "apache", false, "beside Apache's own proxy instead of HAProxy, in front of a real RocketMQ (needs Java and Maven)")
	f.IntVar(&o.rounds, "rounds", 5, "rounds of each scenario, in which candidates take turns")
	f.Float64Var(&o.seconds, "seconds", 2, "how long each load is measured")
	f.StringVar(&o.scenario, "scenario", "", "only scenarios whose whole name matches this `regexp`")
	f.StringVar(&o.candidates, "candidates", "", "which of them, separated by commas (default all: direct,haproxy,ours, or direct,apache,ours)")
	f.StringVar(&o.binary, "binary", "", "our `file`; without it the source is built")
	f.StringVar(&o.before, "before", "", "an older `file` of ours, to measure beside the present one instead of HAProxy; printed only")
	f.StringVar(&o.env, "env", "", "`KEY=value,…` for our process, as GODEBUG=gctrace=1")
	f.StringVar(&o.data, "data", "", "JSON `file` that measurements are kept in: a run replaces the scenarios it measures and reports all")
	f.StringVar(&o.out, "out", "", "`file` for the report; empty: print it only (default bench/RESULTS.md, or bench/RESULTS-APACHE.md)")
	f.BoolVar(&o.quick, "quick", false, "one round of half a second, printed only: does it work at all")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unknown argument %q: there are only flags", f.Arg(0))
	}
	study := o.study()
	if !given(f, "out") {
		o.out = study.out
	}
	if !given(f, "candidates") {
		o.candidates = strings.Join(study.candidates, ",")
	}
	o.heat = heatTime
	o.settle = 15 * time.Second // our proxy frees what an idle client had within 10 s
	if o.quick {
		o.rounds, o.seconds, o.heat, o.settle, o.out = 1, 0.5, time.Second, time.Second, ""
	}
	o.measure = time.Duration(o.seconds * float64(time.Second))
	o.warmup = min(o.measure/2, time.Second)
	return o, nil
}

// given tells a flag that was set from one that has its default.
func given(f *flag.FlagSet, name string) (found bool) {
	f.Visit(func(g *flag.Flag) { found = found || g.Name == name })
	return found
}

// compare measures and reports.
func compare(o options, stdout io.Writer) error {
	list, err := chooseScenarios(o)
	if err != nil {
		return err
	}
	who, err := chooseCandidates(o)
	if err != nil {
		return err
	}
	all, err := readResults(o.data)
	if err != nil {
		return err
	}
	b, err := newBench(stdout, o.binary, o.before, o.study())
	if err != nil {
		return err
	}
	defer b.close()
	if o.env != "" {
		b.env = strings.Split(o.env, ",")
	}
	if err := b.run(list, who, o.rounds, all); err != nil {
		return err
	}
	return finish(o, all, stdout)
}

// finish saves and reports.
func finish(o options, all results, stdout io.Writer) error {
	if err := all.write(o.data); err != nil {
		return err
	}
	s := o.study()
	text := s.report(all)
	fmt.Fprint(stdout, "\n", text)
	if o.out == "" {
		return nil
	}
	return os.WriteFile(o.out, []byte(s.document(s.environment(), time.Now(), text)), 0o644)
}

func chooseScenarios(o options) ([]scenario, error) {
	match, err := regexp.Compile("^(?:" + o.scenario + ")$")
	if err != nil {
		return nil, fmt.Errorf("-scenario: %w", err)
	}
	all := o.study().scenarios(o, openFiles())
	if o.scenario == "" {
		return all, nil
	}
	chosen := slices.DeleteFunc(slices.Clone(all), func(s scenario) bool { return !match.MatchString(s.name) })
	if len(chosen) == 0 {
		var names []string
		for _, s := range all {
			names = append(names, s.name)
		}
		return nil, fmt.Errorf("-scenario %q matches none of %s", o.scenario, strings.Join(names, ", "))
	}
	return chosen, nil
}

func chooseCandidates(o options) ([]candidate, error) {
	all := o.study().candidates
	var chosen []candidate
	for name := range strings.SplitSeq(o.candidates, ",") {
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("-candidates: there is no %q; there are %s", name, strings.Join(all, ", "))
		}
		i := slices.IndexFunc(candidates, func(c candidate) bool { return c.name == name })
		chosen = append(chosen, candidates[i])
	}
	return chosen, nil
}
