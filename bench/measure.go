//go:build linux

package main

import (
	"fmt"
	"os/exec"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/candidate"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/load"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/process"
)

// contestant is a candidate that runs, with a generator that has its connections open.
type contestant struct {
	name    string
	running *candidate.Running
	driver  *load.Driver // nil: nothing but the start is measured
}

func (c *contestant) close() {
	if c.driver != nil {
		c.driver.Close()
	}
	c.running.Stop()
}

// measure has candidates do what the scenario says, by turns: the machine is the same for all of them, even where it
// changes its speed from one moment to the next.
func (b *bench) measure(s scenario, who []candidate.Candidate) (outcomes []load.Outcome, err error) {
	var all []*contestant
	defer func() {
		for _, c := range all {
			c.close()
		}
	}()
	for _, one := range who {
		c, err := b.enter(s, one)
		if c != nil {
			all = append(all, c)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", one.Name, err)
		}
	}
	if !s.startOnly {
		if err := takeTurns(all, max(1, s.slices)); err != nil {
			return nil, err
		}
	}
	for _, c := range all {
		o := load.Outcome{Start: c.running.Started}
		if c.driver != nil {
			if o, err = c.driver.End(); err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// takeTurns loads one after another as often as there are slices. Before that, so that they get warm, and after it, their
// system calls are counted.
func takeTurns(all []*contestant, slices int) error {
	last := 1 + slices
	for turn := range last + 1 {
		for i := range all {
			c := all[(i+turn)%len(all)]
			step := c.driver.Slice
			if turn == 0 || turn == last {
				step = c.driver.Count
			}
			if err := step(); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	return nil
}

// enter starts a candidate, and a generator for it. What it returns has to be closed, also with an error.
func (b *bench) enter(s scenario, who candidate.Candidate) (*contestant, error) {
	site, err := b.siteOf(s, who)
	if err != nil {
		return nil, err
	}
	running, err := who.Start(site, b.dir)
	if err != nil {
		return nil, err
	}
	c := &contestant{name: who.Name, running: running}
	if s.startOnly {
		return c, nil
	}
	spec := b.specOf(s, who, site, running)
	if s.heat != nil && who.Compiles {
		if err := heat(*s.heat, spec); err != nil {
			return c, fmt.Errorf("before measuring: %w", err)
		}
	}
	c.driver, err = load.Drive(spec, generator)
	return c, err
}

// specOf is the scenario's load for a candidate that runs.
func (b *bench) specOf(s scenario, who candidate.Candidate, site candidate.Site, running *candidate.Running) load.Spec {
	spec := s.spec
	spec.NameServer, spec.Broker = running.NameServer, running.Broker
	if s.grpc {
		spec.GRPC = running.GRPC
	}
	spec.Own, spec.Candidate = b.own, process.Tree(running.PID)
	if s.proxied() {
		spec.Broker = site.Second
	}
	if spec.Idle && who.Ours {
		spec.Metrics = "http://" + site.Metrics + "/metrics"
	}
	return spec
}

// heat has a candidate compile what it is going to run.
func heat(s, like load.Spec) error {
	s.NameServer, s.Broker, s.GRPC, s.Own, s.Candidate = like.NameServer, like.Broker, like.GRPC, like.Own, like.Candidate
	d, err := load.Drive(s, generator)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Slice(); err != nil {
		return err
	}
	_, err = d.End()
	return err
}

func generator(task string) *exec.Cmd { return self(roleLoad, task) }
