//go:build linux

package report

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/load"
)

// Results are outcomes by scenario, candidate and round.
type Results map[string]map[string][]load.Outcome

// Add adds a candidate's next round.
func (r Results) Add(scenario, candidate string, o load.Outcome) {
	if r[scenario] == nil {
		r[scenario] = map[string][]load.Outcome{}
	}
	r[scenario][candidate] = append(r[scenario][candidate], o)
}

// Read reads what earlier runs have measured; an empty name is no file.
func Read(file string) (Results, error) {
	all := Results{}
	if file == "" {
		return all, nil
	}
	b, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	return all, json.Unmarshal(b, &all)
}

// Write keeps the results in a file; an empty name is no file.
func (r Results) Write(file string) error {
	if file == "" {
		return nil
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o644)
}

// Line is one line of the log of rounds.
func Line(o load.Outcome) string {
	s := ""
	if o.Requests > 0 {
		s = fmt.Sprintf("%8.0f/s  %7.2f µs CPU  p50 %s  p99 %s", o.PerSecond(), o.CPUEach(), o.P50.Round(time.Microsecond), o.P99.Round(time.Microsecond))
	}
	if o.Bytes > 0 {
		s = fmt.Sprintf("%8.1f MB/s  %7.3f ns CPU/byte  %d connections ended", megabytes(o.Bytes)/o.Seconds, o.CPUPerByte(), o.Closed)
	}
	if o.Peak > 0 {
		s += fmt.Sprintf("  %.1f MB, then %.1f MB, at most %.1f MB", megabytes(o.Before), megabytes(o.After), megabytes(o.Peak))
	}
	if o.Start > 0 {
		s += fmt.Sprintf("  first answer after %s", o.Start.Round(time.Millisecond))
	}
	if o.Seconds > 0 {
		s += fmt.Sprintf("  others used %.0f %%", 100*o.Others)
	}
	return s
}

func megabytes(n int64) float64 { return float64(n) / (1 << 20) }
