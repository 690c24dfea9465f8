//go:build linux

package main

import (
	"fmt"
	"strings"
	"time"
)

// besideBefore has another binary of ours beside the present one: what a change costs.
func besideBefore() study {
	s := besideHAProxy()
	s.candidates, s.out, s.report = []string{"before", "ours"}, "", beforeReport
	s.document = func(string, time.Time, string) string { return "" }
	return s
}

// beforeReport is the table of what was measured beside another binary.
func beforeReport(all results) string {
	var t strings.Builder
	t.WriteString("| what | unit | before | ours | ours ÷ before |\n|---|---|---|---|---|\n")
	for _, w := range rows() {
		mine, theirs := w.values(all, "ours"), w.values(all, "before")
		if w.added || len(mine)+len(theirs) == 0 {
			continue
		}
		fmt.Fprintf(&t, "| %s | %s | %s | %s | %s |\n", w.what, w.unit, figure(theirs), figure(mine), figure(ratios(mine, theirs)))
	}
	return t.String()
}
