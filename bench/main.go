//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/candidate"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/load"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/process"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/report"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/sink"
)

// Roles of the processes that a bench consists of, as first argument; the second is the task.
const (
	roleSink = "sink"
	roleLoad = "load"
	roleSpin = "spin"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 2 {
		switch args[0] {
		case roleSink:
			return sink.Main(args[1], os.Stdin, os.Stdout)
		case roleLoad:
			return load.Main(args[1], os.Stdin, os.Stdout)
		case roleSpin:
			process.Spin()
		}
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	runtime.LockOSThread() // what is launched dies with the thread that launched it
	return compare(o, os.Stdout)
}

// compare measures and reports.
func compare(o options, stdout io.Writer) error {
	list, err := chooseScenarios(o)
	if err != nil {
		return err
	}
	s := o.study()
	who, err := candidate.Named(o.candidates, append(s.candidates, s.also...))
	if err != nil {
		return err
	}
	all, err := report.Read(o.data)
	if err != nil {
		return err
	}
	if o.rounds == 0 {
		return finish(o, all, stdout)
	}
	b, err := newBench(stdout, o)
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.run(list, who, all); err != nil {
		return err
	}
	return finish(o, all, stdout)
}

// finish saves and reports.
func finish(o options, all report.Results, stdout io.Writer) error {
	if err := all.Write(o.data); err != nil {
		return err
	}
	t := report.Tables{Results: all, MostOthers: o.others / 100, Loaded: o.load}
	if o.anyway {
		t = t.Anyway()
	}
	s := o.study()
	fmt.Fprint(stdout, "\n", strings.TrimRight(s.report(t), "\n"), "\n")
	if o.out == "" || s.document == nil {
		return nil
	}
	return os.WriteFile(o.out, []byte(s.document(o, t)), 0o644)
}
