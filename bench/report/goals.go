//go:build linux

package report

import (
	"cmp"
	"fmt"
	"strings"
)

// goal is one line of the table of goals: one number of one scenario, of ours beside HAProxy's.
type goal struct {
	what      string
	unit      string
	scenario  string
	value     metric
	candidate string // empty: ours
	beside    string // what it is compared with; empty: HAProxy
	// over names a scenario that value is divided by, candidate by candidate: growth from one to the other.
	over string
	// added has what a direct connection takes subtracted.
	added bool
	// target is for ours ÷ HAProxy, or for ours alone when absolute is set. 0: none.
	target   float64
	absolute bool
	atLeast  bool // the target is a least, not a most
	steady   bool // neighbors do not change it
}

// FixedRate is the rate of the scenario rate: low enough for every candidate on two cores, so that what is measured is
// the way, not the queue.
const FixedRate = 4000

// goals are those that the proxy is held to.
func goals() (list []goal) {
	for _, t := range []struct {
		scenario, candidate string
		target              float64
	}{
		{"1x1", "", 0.85},
		{"256x1", "", 0.90},
		{"4096x1", "", 0.95},
		{"16x16", "", 1.00},
		{"binary", "", 1.00},
		{"pop", "", 1.00},
		{"pull", "", 0.65},
		{"256x1", "ours-epoll", 1.10},
		{"16x16", "ours-epoll", 1.15},
	} {
		g := goal{scenario: t.scenario, candidate: t.candidate, what: titles[t.scenario]}
		cpu, rate := g, g
		cpu.what, cpu.unit, cpu.value, cpu.target = g.what+": CPU", "µs/request", cpuOf, t.target
		rate.what, rate.unit, rate.value, rate.target, rate.atLeast = g.what+": throughput", "1/s", rateOf, 1, true
		if t.candidate != "" {
			cpu.what += ", io_uring off"
			list = append(list, cpu)
			continue
		}
		list = append(list, cpu, rate)
	}
	added := fmt.Sprintf("%d/s, added to direct: ", FixedRate)
	return append(list,
		goal{what: added + "p50", unit: "µs", scenario: "rate", value: p50Of, added: true, target: 1},
		goal{what: added + "p99", unit: "µs", scenario: "rate", value: p99Of, added: true, target: 0.8},
		goal{what: "growth of CPU per request, 16 → 4,096 connections", unit: "×", scenario: "4096x1", over: "16x1", value: cpuOf, target: 1},
		goal{what: "growth of CPU per request, 16 → 20,000 connections", unit: "×", scenario: "20000x1", over: "16x1", value: cpuOf, target: 1},
		goal{what: "memory started", unit: "MB", scenario: "load", value: beforeOf, target: 20, absolute: true, steady: true},
		goal{what: "memory under load, 256 × 16, at most", unit: "MB", scenario: "load", value: peakOf, target: 28, absolute: true, steady: true},
		goal{what: "memory with 16 × answers of 16 MiB, at most", unit: "MB", scenario: "big", value: peakOf, target: 64, absolute: true, steady: true},
		goal{what: "memory per idle client, 5,000 of them", unit: "kB", scenario: "idle5000", value: kilobytesEach, target: 2.6, absolute: true, steady: true},
		goal{what: "memory per idle client, 20,000 of them", unit: "kB", scenario: "idle20000", value: kilobytesEach, target: 2.6, absolute: true, steady: true},
		goal{what: "start to first answer", unit: "s", scenario: "start", value: startOf, target: 0.1, absolute: true, steady: true})
}

// Scenarios are the names of those that some goal needs.
func Scenarios() (names []string) {
	for _, g := range append(goals(), features()...) {
		names = append(names, g.scenario)
		if g.over != "" {
			names = append(names, g.over)
		}
	}
	return names
}

// Goals is the table of goals, of those that were measured.
func (t Tables) Goals() string {
	var b strings.Builder
	b.WriteString("| what | unit | HAProxy | ours | ours ÷ HAProxy [quartiles] | goal | |\n|---|---|---|---|---|---|---|\n")
	t.lines(&b, goals())
	return b.String()
}

// lines are those goals that were measured.
func (t Tables) lines(b *strings.Builder, list []goal) {
	for _, g := range list {
		mine := g.measure(t)
		if len(mine.all) == 0 {
			continue
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", g.what+t.clients(g.scenario), g.unit, figure(mine.theirs), figure(mine.all),
			mine.ratio(), g.text(), mine.verdict())
	}
}

// clients tells where there were fewer than the line says.
func (t Tables) clients(scenario string) string {
	if !strings.HasSuffix(scenario, "20000") && !strings.HasPrefix(scenario, "20000") {
		return ""
	}
	if n := t.Results[scenario]["ours"][0].Clients; n < 20_000 {
		return fmt.Sprintf(" (here %d: open files)", n)
	}
	return ""
}

func (g goal) text() string {
	sign := "≤"
	if g.atLeast {
		sign = "≥"
	}
	switch {
	case g.target == 0:
		return ""
	case g.absolute:
		return fmt.Sprintf("%s %g %s", sign, g.target, g.unit)
	}
	return fmt.Sprintf("%s %.2f", sign, g.target)
}

// measured is what a goal's numbers are.
type measured struct {
	goal
	all, theirs  []float64 // every round
	mine, beside []float64 // the rounds that are compared
	why          string    // nothing is
}

func (g goal) measure(t Tables) measured {
	who, other := cmp.Or(g.candidate, "ours"), cmp.Or(g.beside, "haproxy")
	if g.steady {
		t.MostOthers = everything
	}
	c := t.compare(g.scenario, who, other, g.value)
	m := measured{
		goal: g, all: t.values(g.scenario, who, g.value), theirs: t.values(g.scenario, other, g.value),
		mine: c.a, beside: c.b, why: c.why(),
	}
	switch {
	case g.over != "":
		m.all, m.theirs = ratios(m.all, t.values(g.over, who, g.value)), ratios(m.theirs, t.values(g.over, other, g.value))
		m.why = cmp.Or(m.why, t.compare(g.over, who, other, g.value).why())
	case g.added:
		direct := t.values(g.scenario, "direct", g.value)
		m.all, m.theirs = minus(m.all, direct), minus(m.theirs, direct)
	case g.absolute:
	default:
		return m
	}
	if m.mine, m.beside = m.all, m.theirs; m.why != "" && !g.absolute {
		m.mine, m.beside = nil, nil
	}
	return m
}

// ratio is empty where it would say nothing: what HAProxy adds may be less than the noise.
func (m measured) ratio() string {
	if m.added && median(m.beside) <= 0 {
		return ""
	}
	return spread(ratios(m.mine, m.beside))
}

// verdict compares with the goal.
func (m measured) verdict() string {
	got := m.mine
	switch {
	case m.target == 0:
		return ""
	case m.why != "" && !m.absolute:
		return m.why
	case m.added:
		return m.verdictOfAdded()
	case !m.absolute:
		if got = ratios(m.mine, m.beside); len(got) == 0 {
			return ""
		}
	}
	off := median(got)/m.target - 1
	if m.atLeast {
		off = -off
	}
	if off <= 0 {
		return "met"
	}
	return fmt.Sprintf("missed by %.1f %%", 100*off)
}

// verdictOfAdded knows that what is added may be nothing, or lost in the noise: a ratio would say little.
func (m measured) verdictOfAdded() string {
	if len(m.beside) == 0 {
		return ""
	}
	if over := median(m.mine) - m.target*max(median(m.beside), 0); over > 0 {
		return fmt.Sprintf("missed by %.0f µs", over)
	}
	return "met"
}
