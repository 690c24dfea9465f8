//go:build linux

package main

import (
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/process"
)

// options are the flags.
type options struct {
	apache     bool
	real       bool
	load       bool
	anyway     bool
	others     float64
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

	warmup, measure, count, heat, settle, atLeast time.Duration // derived
}

func parse(args []string) (o options, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.BoolVar(&o.apache, "apache", false, "beside Apache's own proxy instead of HAProxy, in front of a real RocketMQ (needs Java and Maven)")
	f.BoolVar(&o.real, "real", false, "also one load in front of a real RocketMQ (needs Java and Maven)")
	f.BoolVar(&o.load, "load", false, "under load: a busy process on each core")
	f.BoolVar(&o.anyway, "anyway", false, "compare rounds whatever other processes used meanwhile")
	f.Float64Var(&o.others, "others", 15, "percent of the machine that processes which are not the bench's may use in a round that is compared")
	f.IntVar(&o.rounds, "rounds", 7, "rounds of each scenario, in which candidates take turns; 0: only report what -data has")
	f.Float64Var(&o.seconds, "seconds", 1, "how long each load is measured; 2 or more where answers take long")
	f.StringVar(&o.scenario, "scenario", "", "only scenarios whose whole name matches this `regexp`")
	f.StringVar(&o.candidates, "candidates", "", "which of them, separated by commas (default all: direct,haproxy,nginx,ours and variants of ours, or direct,apache,ours)")
	f.StringVar(&o.binary, "binary", "", "our `file`; without it the source is built")
	f.StringVar(&o.before, "before", "", "an older `file` of ours, to measure beside the present one instead of HAProxy; printed only")
	f.StringVar(&o.env, "env", "", "`KEY=value,…` for our process, as GODEBUG=gctrace=1")
	f.StringVar(&o.data, "data", "", "JSON `file` that measurements are kept in: a run replaces the scenarios it measures and reports all")
	f.StringVar(&o.out, "out", "", "`file` for the report; empty: print it only (default bench/RESULTS.md, -LOADED.md or -APACHE.md)")
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
		o.candidates = strings.Join(slices.Concat(study.candidates, study.also), ",")
	}
	o.derive()
	return o, nil
}

func (o *options) derive() {
	o.heat, o.atLeast = heatTime, time.Second
	o.settle = 15 * time.Second // our proxy frees what an idle client had within 10 s
	if o.quick {
		o.rounds, o.seconds, o.heat, o.settle, o.atLeast, o.out = 1, 0.5, time.Second, time.Second, 500*time.Millisecond, ""
	}
	o.measure = time.Duration(o.seconds * float64(time.Second))
	o.warmup = min(o.measure/2, time.Second)
	o.count = o.measure / 4
}

// given tells a flag that was set from one that has its default.
func given(f *flag.FlagSet, name string) (found bool) {
	f.Visit(func(g *flag.Flag) { found = found || g.Name == name })
	return found
}

func chooseScenarios(o options) ([]scenario, error) {
	match, err := regexp.Compile("^(?:" + o.scenario + ")$")
	if err != nil {
		return nil, fmt.Errorf("-scenario: %w", err)
	}
	all := o.study().scenarios(o, process.OpenFiles())
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
