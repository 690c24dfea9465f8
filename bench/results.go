//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// results are outcomes by scenario, candidate and round.
type results map[string]map[string][]outcome

func (r results) add(scenario, candidate string, o outcome) {
	if r[scenario] == nil {
		r[scenario] = map[string][]outcome{}
	}
	r[scenario][candidate] = append(r[scenario][candidate], o)
}

// readResults reads what earlier runs have measured; an empty name is no file.
func readResults(file string) (results, error) {
	all := results{}
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

func (r results) write(file string) error {
	if file == "" {
		return nil
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o644)
}

// String is one line of the log of rounds.
func (o outcome) String() string {
	s := ""
	if o.Requests > 0 {
		s = fmt.Sprintf("%8.0f/s  %7.2f µs CPU  p50 %s  p99 %s", o.perSecond(), o.cpu(), o.P50.Round(time.Microsecond), o.P99.Round(time.Microsecond))
	}
	if o.Peak > 0 {
		s += fmt.Sprintf("  %.1f MB, then %.1f MB, at most %.1f MB", megabytes(o.Before), megabytes(o.After), megabytes(o.Peak))
	}
	if o.Start > 0 {
		s += fmt.Sprintf("  first answer after %s", o.Start.Round(time.Millisecond))
	}
	return s
}

func (o outcome) perSecond() float64 { return float64(o.Requests) / o.Seconds }

// cpu is the candidate's, in microseconds for each request.
func (o outcome) cpu() float64 { return float64(o.CPU) / 1e3 / float64(o.Requests) }

func megabytes(n int64) float64 { return float64(n) / (1 << 20) }
