//go:build linux

package report

import (
	"fmt"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/load"
)

// Tables makes tables of results.
type Tables struct {
	Results Results
	// MostOthers is the share of the machine that other processes may use in a round that is compared.
	MostOthers float64
	// Loaded tells results with a busy process on each core: what has nothing to do with neighbors is not among them.
	Loaded bool
}

// everything is more than other processes can use.
const everything = 1e9

// metric is one number of an outcome.
type metric func(load.Outcome) float64

func cpuOf(o load.Outcome) float64      { return o.CPUEach() }
func rateOf(o load.Outcome) float64     { return o.PerSecond() }
func p50Of(o load.Outcome) float64      { return float64(o.P50) / 1e3 }
func p99Of(o load.Outcome) float64      { return float64(o.P99) / 1e3 }
func p999Of(o load.Outcome) float64     { return float64(o.P999) / 1e3 }
func syscallsOf(o load.Outcome) float64 { return o.Syscalls }
func switchesOf(o load.Outcome) float64 { return o.SwitchesEach() }
func othersOf(o load.Outcome) float64   { return 100 * o.Others }
func perByteOf(o load.Outcome) float64  { return o.CPUPerByte() }
func beforeOf(o load.Outcome) float64   { return megabytes(o.Before) }
func peakOf(o load.Outcome) float64     { return megabytes(o.Peak) }
func startOf(o load.Outcome) float64    { return o.Start.Seconds() }

// kilobytesEach is the memory of one of n idle clients.
func kilobytesEach(o load.Outcome) float64 {
	return float64(o.After-o.Before) / 1024 / float64(o.Clients)
}

// goroutinesEach is what one of n idle clients adds; those that the proxy has anyway are few.
func goroutinesEach(o load.Outcome) float64 { return float64(o.Goroutines) / float64(o.Clients) }

// values are a candidate's numbers, round by round.
func (t Tables) values(scenario, candidate string, m metric) (v []float64) {
	for _, o := range t.Results[scenario][candidate] {
		v = append(v, m(o))
	}
	return v
}

// comparison has two candidates' numbers of the same rounds.
type comparison struct {
	a, b   []float64
	left   int     // rounds that are not compared
	others float64 // what other processes used in the worst of them, in percent
}

// compare pairs the rounds of two candidates. A round without a value, or with too much else on the machine, is left out.
func (t Tables) compare(scenario, a, b string, m metric) (c comparison) {
	mine, theirs := t.Results[scenario][a], t.Results[scenario][b]
	for i := range min(len(mine), len(theirs)) {
		if others := max(mine[i].Others, theirs[i].Others); others > t.MostOthers {
			c.left++
			c.others = max(c.others, 100*others)
			continue
		}
		if x, y := m(mine[i]), m(theirs[i]); y != 0 {
			c.a, c.b = append(c.a, x), append(c.b, y)
		}
	}
	if c.refused() {
		c.a, c.b = nil, nil
	}
	return c
}

// refused tells that fewer than half of the rounds can be compared.
func (c comparison) refused() bool { return c.left > len(c.a) }

func (c comparison) ratios() []float64 { return ratios(c.a, c.b) }

// why tells why there is nothing to compare; empty: there is, or nothing was measured.
func (c comparison) why() string {
	if !c.refused() {
		return ""
	}
	return fmt.Sprintf("not compared: other processes used up to %.0f %%", c.others)
}

// ratios divides round by round.
func ratios(a, b []float64) (r []float64) {
	for i := range min(len(a), len(b)) {
		if b[i] != 0 {
			r = append(r, a[i]/b[i])
		}
	}
	return r
}

// minus subtracts round by round.
func minus(a, b []float64) (d []float64) {
	for i := range min(len(a), len(b)) {
		d = append(d, a[i]-b[i])
	}
	return d
}
