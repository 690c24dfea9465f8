//go:build linux

package report

import (
	"fmt"
	"slices"
)

// median of values, which may be in any order; of an even number the mean of the two in the middle. 0 for none.
func median(values []float64) float64 { return quantile(values, 0.5) }

// quantile is the value that a part of values does not exceed, between two of them in proportion. 0 for none.
func quantile(values []float64, part float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	at := part * float64(len(sorted)-1)
	i := int(at)
	if i == len(sorted)-1 {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// spread is the median with the quartiles, where there are rounds enough for them.
func spread(values []float64) string {
	if len(values) < 3 {
		return figure(values)
	}
	return fmt.Sprintf("%s [%s–%s]", figure(values), number(quantile(values, 0.25)), number(quantile(values, 0.75)))
}

// figure is the median; empty for no values.
func figure(values []float64) string {
	if len(values) == 0 {
		return ""
	}
	return number(median(values))
}

// number has three digits that count.
func number(n float64) string {
	switch {
	case n >= 100 || n <= -100:
		return fmt.Sprintf("%.0f", n)
	case n >= 10 || n <= -10:
		return fmt.Sprintf("%.1f", n)
	}
	return fmt.Sprintf("%.2f", n)
}
