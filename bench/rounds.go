//go:build linux

package main

import (
	"fmt"
	"slices"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/candidate"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/load"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/report"
)

// run measures the scenarios one after another; within one, the candidates take turns round by round.
func (b *bench) run(list []scenario, who []candidate.Candidate, r report.Results) error {
	for _, s := range paired(list) {
		for _, one := range s {
			delete(r, one.name)
		}
		if err := b.runTogether(s, who, r); err != nil {
			return err
		}
	}
	return nil
}

// paired puts a hostile input and what stands beside it together: they take turns as candidates do.
func paired(list []scenario) (groups [][]scenario) {
	for _, s := range list {
		last := len(groups) - 1
		if last >= 0 && s.spec.Harmless && groups[last][0].spec.Hostile == s.spec.Hostile {
			groups[last] = append(groups[last], s)
			continue
		}
		groups = append(groups, []scenario{s})
	}
	return groups
}

// runTogether runs the rounds of scenarios that belong together.
func (b *bench) runTogether(list []scenario, who []candidate.Candidate, r report.Results) error {
	rounds := b.o.rounds
	if most := list[0].most; most > 0 {
		rounds = min(rounds, most)
	}
	for round := range rounds {
		for _, s := range list {
			if err := b.round(s, round, b.takePart(s, who), r); err != nil {
				return fmt.Errorf("scenario %s, round %d: %w", s.name, round+1, err)
			}
		}
	}
	return nil
}

// round measures each candidate once: all of them by turns in slices, or one after another, each time in another order.
func (b *bench) round(s scenario, round int, who []candidate.Candidate, r report.Results) error {
	order := make([]candidate.Candidate, len(who))
	for i := range who {
		order[i] = who[(i+round)%len(who)]
	}
	if s.slices > 1 {
		return b.together(s, round, order, r)
	}
	for i := range order {
		if err := b.together(s, round, order[i:i+1], r); err != nil {
			return err
		}
	}
	return nil
}

// together measures candidates by turns, and once more if that fails.
func (b *bench) together(s scenario, round int, who []candidate.Candidate, r report.Results) (err error) {
	var outcomes []load.Outcome
	for i := range b.tries {
		if i > 0 {
			fmt.Fprintf(b.log, "%-16s once more, as it failed: %v\n", s.name, err)
		}
		if outcomes, err = b.measure(s, who); err == nil {
			break
		}
	}
	for i, o := range outcomes {
		r.Add(s.name, who[i].Name, o)
		fmt.Fprintf(b.log, "%-16s round %d  %-10s %s\n", s.name, round+1, who[i].Name, report.Line(o))
	}
	return err
}

// takePart leaves out who has nothing to do with a scenario.
func (b *bench) takePart(s scenario, who []candidate.Candidate) []candidate.Candidate {
	also := b.o.study().also
	return slices.DeleteFunc(slices.Clone(who), func(c candidate.Candidate) bool {
		switch {
		case s.process && !c.Process():
			return true
		case slices.Contains(also, c.Name):
			return !slices.Contains(s.also, c.Name) || c.Name == "ours-epoll" && !b.ring
		}
		return s.only != nil && !slices.Contains(s.only, c.Name)
	})
}

// proxied tells a load of which each connection begins with a PROXY header.
func (s scenario) proxied() bool {
	return slices.ContainsFunc(load.Inputs(), func(in load.Input) bool { return in.Proxied && in.Name == s.spec.Hostile })
}
