package stats

import (
	"fmt"
	"math/bits"
	"strings"
)

// histogram counts durations in buckets that are 1/16 of a power of two wide, so a quantile is off by 6 % at most.
// The unit is the microsecond.
type histogram struct {
	counts [64 * 16]uint64
	n      uint64
}

func (h *histogram) add(micros int64, times int) {
	h.counts[bucketOf(uint64(max(micros, 0)))] += uint64(times)
	h.n += uint64(times)
}

func bucketOf(v uint64) int {
	if v < 16 {
		return int(v)
	}
	e := bits.Len64(v) - 5
	return (e+1)*16 + int(v>>e) - 16
}

// lowerBound is the least value of a bucket.
func lowerBound(i int) uint64 {
	if i < 16 {
		return uint64(i)
	}
	e := i/16 - 1
	return uint64(i%16+16) << e
}

// quantile returns milliseconds; q from 0 to 1.
func (h *histogram) quantile(q float64) float64 {
	rank := uint64(q * float64(h.n))
	var seen uint64
	last := 0
	for i, c := range h.counts {
		if c == 0 {
			continue
		}
		last = i
		if seen += c; seen > rank {
			break
		}
	}
	return float64(lowerBound(last)) / 1000
}

// envoyQuantiles are those that /stats prints.
var envoyQuantiles = []struct {
	name string
	q    float64
}{{"P0", 0}, {"P25", .25}, {"P50", .5}, {"P75", .75}, {"P90", .9}, {"P95", .95}, {"P99", .99}, {"P99.9", .999}, {"P100", 1}}

// envoyText prints both histograms as Envoy does: each quantile of the last interval and of all time.
func envoyText(interval, total *histogram) string {
	if total.n == 0 {
		return "No recorded values"
	}
	parts := make([]string, 0, len(envoyQuantiles))
	for _, p := range envoyQuantiles {
		recent := "nan"
		if interval.n > 0 {
			recent = fmt.Sprintf("%.3g", interval.quantile(p.q))
		}
		parts = append(parts, fmt.Sprintf("%s(%s,%.3g)", p.name, recent, total.quantile(p.q)))
	}
	return strings.Join(parts, " ")
}
