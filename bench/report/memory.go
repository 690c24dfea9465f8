//go:build linux

package report

import (
	"fmt"
	"strings"
)

// Memory is the table of resident memory.
func (t Tables) Memory() string {
	var b strings.Builder
	b.WriteString("| what | unit | HAProxy | nginx stream | ours |\n|---|---|---|---|---|\n")
	for _, row := range []struct {
		what, unit, scenario string
		value                metric
	}{
		{"started", "MB", "load", beforeOf},
		{"under load, 256 × 16, at most", "MB", "load", peakOf},
		{"16 × answers of 16 MiB, at most", "MB", "big", peakOf},
		{"an idle client, 5,000 of them", "kB", "idle5000", kilobytesEach},
		{"an idle client, 20,000 of them", "kB", "idle20000", kilobytesEach},
		{"an idle client with TLS, 4,000 of them", "kB", "tls-idle", kilobytesEach},
		{"goroutines of an idle client with TLS", "", "tls-idle", goroutinesEach},
		{"start to first answer", "s", "start", startOf},
	} {
		if len(t.Results[row.scenario]) == 0 {
			continue
		}
		value := func(who string) string { return figure(t.values(row.scenario, who, row.value)) }
		others := []string{value("haproxy"), value("nginx")}
		if row.unit == "" {
			others = []string{"", ""}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", row.what+t.clients(row.scenario), row.unit, strings.Join(others, " | "), value("ours"))
	}
	return b.String()
}
