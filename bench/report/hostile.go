//go:build linux

package report

import (
	"fmt"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/load"
)

// Scenarios of a hostile input: itself, and the harmless traffic that stands beside it.
const (
	Hostile  = "hostile-"
	Harmless = "harmless-"
)

// Hostile is the table of hostile inputs beside harmless ones: CPU for each byte.
func (t Tables) Hostile() string {
	var b strings.Builder
	b.WriteString("| input | hostile, ns/byte | harmless, ns/byte | hostile ÷ harmless [quartiles] |\n|---|---|---|---|\n")
	lines := 0
	for _, in := range load.Inputs() {
		hostile, harmless := t.values(Hostile+in.Name, "ours", perByteOf), t.values(Harmless+in.Name, "ours", perByteOf)
		if len(hostile) == 0 {
			continue
		}
		lines++
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", in.What, figure(hostile), figure(harmless), spread(ratios(hostile, harmless)))
	}
	if lines == 0 {
		return ""
	}
	return b.String()
}
