//go:build linux

package report

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Circumstances are what there is to know about a run apart from its numbers.
type Circumstances struct {
	Task        string // that writes the file
	Environment string // the machine, versions
	Time        time.Time
	LoadAverage string
}

// Document is the whole report as a file.
func (t Tables) Document(c Circumstances) string {
	var b strings.Builder
	title := "Results of bench"
	if t.Loaded {
		title += " under load"
	}
	fmt.Fprintf(&b, "# %s\n\nWritten by `%s` on %s: %s.\n\n", title, c.Task, c.Time.UTC().Format("2006-01-02 15:04 MST"), c.Environment)
	b.WriteString(t.neighbors(c))
	b.WriteString(`
Medians over rounds in which candidates took turns; a ratio is the median of the rounds' ratios, with its quartiles. Only
ratios mean anything elsewhere: generator, proxy and sink share the cores. CPU, memory, system calls and context switches
are those of the proxy's process. Stored messages have store hosts, which ours rewrites.

## Goals

`)
	b.WriteString(t.Goals())
	if len(t.Results["features"]) > 0 {
		b.WriteString("\n## One port, routes, limits\n\n" + t.Features())
	}
	b.WriteString("\n## Loads\n\n")
	b.WriteString(t.Loads())
	if !t.Loaded {
		b.WriteString("\n## Memory\n\n" + t.Memory())
	}
	if text := t.Hostile(); text != "" {
		b.WriteString("\n## Hostile inputs\n\nWhat a byte costs ours on 4 connections, beside harmless traffic of the same size in writes of the same size.\n\n" + text)
	}
	return b.String()
}

// neighbors says what else the machine did.
func (t Tables) neighbors(c Circumstances) string {
	var shares []float64
	rounds := 0
	for _, candidates := range t.Results {
		for _, outcomes := range candidates {
			rounds = max(rounds, len(outcomes))
			for _, o := range outcomes {
				if o.Seconds > 0 {
					shares = append(shares, othersOf(o))
				}
			}
		}
	}
	s := fmt.Sprintf("At most %d rounds of each load. ", rounds)
	if t.Loaded {
		s += "**A busy process of the bench ran on each core all the time.** "
	}
	s += fmt.Sprintf("Processes that the bench did not start used %s %% of the machine (median; quartiles %s–%s, at most %s); the load average at the end was %s. ",
		figure(shares), number(quantile(shares, 0.25)), number(quantile(shares, 0.75)), number(quantile(shares, 1)), c.LoadAverage)
	if t.MostOthers >= everything {
		return s + "**Rounds are compared all the same (`-anyway`): read ratios, not absolutes.**\n"
	}
	return s + fmt.Sprintf("Rounds in which they used more than %.0f %% are not compared.\n", 100*t.MostOthers)
}

// Anyway compares rounds whatever other processes used.
func (t Tables) Anyway() Tables {
	t.MostOthers = everything
	return t
}

// Machine is what the numbers were measured on.
func Machine() string {
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
