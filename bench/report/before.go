//go:build linux

package report

import (
	"fmt"
	"strings"
)

// Before is the table of an older binary of ours beside the present one: what a change costs.
func (t Tables) Before() string {
	var b strings.Builder
	b.WriteString("| what | unit | before | ours | ours ÷ before [quartiles] |\n|---|---|---|---|---|\n")
	row := func(what, unit, scenario string, value metric) {
		mine, theirs := t.values(scenario, "ours", value), t.values(scenario, "before", value)
		if len(mine)+len(theirs) == 0 {
			return
		}
		c := t.compare(scenario, "ours", "before", value)
		ratio := spread(c.ratios())
		if c.refused() {
			ratio = c.why()
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", what, unit, figure(theirs), figure(mine), ratio)
	}
	for _, scenario := range order {
		row(titles[scenario]+": CPU", "µs/request", scenario, cpuOf)
		row(titles[scenario]+": throughput", "1/s", scenario, rateOf)
	}
	for _, g := range goals() {
		if g.steady {
			t.MostOthers = everything
			row(g.what, g.unit, g.scenario, g.value)
		}
	}
	return b.String()
}
