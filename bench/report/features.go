//go:build linux

package report

import "strings"

// features are the goals for what can be switched on, beside ours without it.
func features() []goal {
	each := func(what, candidate, beside string, target float64) goal {
		return goal{
			what: what + ": CPU", unit: "µs/request", scenario: "features", value: cpuOf, candidate: candidate, beside: beside, target: target,
		}
	}
	return []goal{
		each("send 1 KiB, 16 × 16: one port for all brokers, beside broker ports", "ours-one-port", "ours", 1.05),
		each("ten routes and a second cluster, beside one port without", "ours-routes", "ours-one-port", 1.05),
		each("a limit of requests and bytes, beside none", "ours-limit", "ours", 0),
		{
			what: "memory per idle client with two links", unit: "kB", scenario: "two-links", value: kilobytesEach,
			candidate: "ours-routes", target: 3.5, absolute: true, steady: true,
		},
	}
}

// Features is the table of what one port, routes and limits cost.
func (t Tables) Features() string {
	var b strings.Builder
	b.WriteString("| what | unit | without | with | with ÷ without [quartiles] | goal | |\n|---|---|---|---|---|---|---|\n")
	t.lines(&b, features())
	return b.String()
}
