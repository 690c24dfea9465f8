//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// row is one line of the table: one number of one scenario, by candidate.
type row struct {
	what     string
	unit     string
	scenario string
	value    func(o outcome) float64
	// over names a scenario that value is divided by, candidate by candidate: growth from one to the other.
	over string
	// added has what a direct connection takes subtracted.
	added bool
	// target is for ours ÷ HAProxy, or for ours alone when absolute is set. 0: none.
	target   float64
	absolute bool
	atLeast  bool // the target is a least, not a most
}

func cpuOf(o outcome) float64    { return o.cpu() }
func rateOf(o outcome) float64   { return o.perSecond() }
func p50Of(o outcome) float64    { return float64(o.P50) / 1e3 }
func p99Of(o outcome) float64    { return float64(o.P99) / 1e3 }
func beforeOf(o outcome) float64 { return megabytes(o.Before) }
func peakOf(o outcome) float64   { return megabytes(o.Peak) }
func startOf(o outcome) float64  { return o.Start.Seconds() }

// kilobytesEach is the memory of one of n idle clients.
func kilobytesEach(o outcome) float64 {
	return float64(o.After-o.Before) / 1024 / float64(o.Clients)
}

// rows is the table of targets.
func rows() []row {
	list := []row{}
	for _, t := range []struct {
		scenario, what string
		target         float64
	}{
		{"1x1", "send 1 KiB, 1 connection, 1 in flight", 1.0},
		{"256x1", "send 1 KiB, 256 × 1", 1.2},
		{"16x16", "send 1 KiB, 16 × 16", 1.5},
		{"binary", "send 100 B, binary header, 16 × 16", 1.5},
		{"pop", "pop 32 × 1 KiB and 32 acks, 16 connections", 1.5},
		{"pull", "pull answers of 100 KiB, 16 × 1", 1.0},
	} {
		list = append(list,
			row{what: t.what + ": CPU", unit: "µs/request", scenario: t.scenario, value: cpuOf, target: t.target},
			row{what: t.what + ": throughput", unit: "1/s", scenario: t.scenario, value: rateOf, target: 1, atLeast: true})
	}
	return append(list,
		row{what: fmt.Sprintf("%d/s, added to direct: p50", fixedRate), unit: "µs", scenario: "rate", value: p50Of, added: true, target: 1},
		row{what: fmt.Sprintf("%d/s, added to direct: p99", fixedRate), unit: "µs", scenario: "rate", value: p99Of, added: true, target: 1},
		row{what: "growth of CPU per request, 16 → 4,096 connections", unit: "×", scenario: "4096x1", over: "16x1", value: cpuOf, target: 1.3, absolute: true},
		row{what: "memory started", unit: "MB", scenario: "load", value: beforeOf},
		row{what: "memory under load, 256 × 16, at most", unit: "MB", scenario: "load", value: peakOf},
		row{what: "memory with 16 × answers of 16 MiB, at most", unit: "MB", scenario: "big", value: peakOf, target: 64, absolute: true},
		row{what: "memory per idle client, 5,000 of them", unit: "kB", scenario: "idle5000", value: kilobytesEach, target: 3.3, absolute: true},
		row{what: "memory per idle client, 20,000 of them", unit: "kB", scenario: "idle20000", value: kilobytesEach, target: 3.3, absolute: true},
		row{what: "start to first answer", unit: "s", scenario: "start", value: startOf, target: 0.1, absolute: true})
}

// values are a candidate's numbers, round by round.
func (w row) values(all results, candidate string) []float64 {
	var v []float64
	for _, o := range all[w.scenario][candidate] {
		v = append(v, w.value(o))
	}
	switch {
	case w.over != "":
		var base []float64
		for _, o := range all[w.over][candidate] {
			base = append(base, w.value(o))
		}
		return ratios(v, base)
	case w.added:
		return minus(v, row{scenario: w.scenario, value: w.value}.values(all, "direct"))
	}
	return v
}

// report is the table of everything that was measured.
func report(all results) string {
	var t strings.Builder
	t.WriteString("| what | unit | direct | HAProxy | ours | ours ÷ HAProxy | target | |\n|---|---|---|---|---|---|---|---|\n")
	for _, w := range rows() {
		mine := w.values(all, "ours")
		if len(mine) == 0 {
			continue
		}
		theirs := w.values(all, "haproxy")
		fmt.Fprintf(&t, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", w.what+w.note(all), w.unit, w.direct(all), figure(theirs), figure(mine),
			w.ratio(mine, theirs), w.goal(), w.verdict(mine, theirs))
	}
	return t.String()
}

func (w row) ratio(mine, theirs []float64) string {
	if w.added && median(theirs) <= 0 {
		return ""
	}
	return figure(ratios(mine, theirs))
}

// note tells where there were fewer clients than the row says.
func (w row) note(all results) string {
	if w.scenario != "idle20000" {
		return ""
	}
	if n := all[w.scenario]["ours"][0].Clients; n < 20_000 {
		return fmt.Sprintf(" (here %d: open files)", n)
	}
	return ""
}

func (w row) direct(all results) string {
	switch {
	case w.added, w.scenario == "load", w.unit == "µs/request", w.over != "":
		return ""
	}
	return figure(w.values(all, "direct"))
}

func (w row) goal() string {
	sign := "≤"
	if w.atLeast {
		sign = "≥"
	}
	switch {
	case w.target == 0:
		return ""
	case w.absolute:
		return fmt.Sprintf("%s %g %s", sign, w.target, w.unit)
	}
	return fmt.Sprintf("%s %.1f", sign, w.target)
}

// verdict compares with the target.
func (w row) verdict(mine, theirs []float64) string {
	got := mine
	switch {
	case w.target == 0:
		return ""
	case w.added: // what is added may be nothing, or lost in the noise: a ratio would say little
		if over := median(mine) - w.target*max(median(theirs), 0); over > 0 && len(theirs) > 0 {
			return fmt.Sprintf("missed by %.0f µs", over)
		}
		return "met"
	case !w.absolute:
		if got = ratios(mine, theirs); len(got) == 0 {
			return ""
		}
	}
	off := median(got)/w.target - 1
	if w.atLeast {
		off = -off
	}
	if off <= 0 {
		return "met"
	}
	return fmt.Sprintf("missed by %.1f %%", 100*off)
}

// figure is the median with three digits that count.
func figure(values []float64) string {
	if len(values) == 0 {
		return ""
	}
	m := median(values)
	switch {
	case m >= 100 || m <= -100:
		return fmt.Sprintf("%.0f", m)
	case m >= 10 || m <= -10:
		return fmt.Sprintf("%.1f", m)
	}
	return fmt.Sprintf("%.2f", m)
}

// document is the report as a file.
func document(machine string, now time.Time, table string) string {
	return fmt.Sprintf(`# Results of bench

Written by `+"`task bench`"+` on %s: %s.

Medians over rounds in which candidates took turns; a ratio is the median of the rounds' ratios. Only ratios mean
anything elsewhere: both cores were shared by generator, proxy and sink. CPU and memory are those of the proxy's process.

%s`, now.UTC().Format("2006-01-02 15:04 MST"), machine, table)
}

func machine() string {
	var u unix.Utsname
	unix.Uname(&u) //nolint:errcheck // it cannot fail with a buffer of ours
	model := runtime.GOARCH
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if rest, ok := strings.CutPrefix(line, "model name"); ok {
				model = strings.Trim(rest, " \t:\n")
				break
			}
		}
	}
	return fmt.Sprintf("%d × %s, Linux %s, %s", runtime.NumCPU(), model, unix.ByteSliceToString(u.Release[:]), runtime.Version())
}
