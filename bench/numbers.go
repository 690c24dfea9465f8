//go:build linux

package main

import "slices"

// median of values, which may be in any order; of an even number the mean of the two in the middle. 0 for none.
func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// ratios divides round by round: machines change their speed between rounds, less so within one.
func ratios(a, b []float64) []float64 {
	var r []float64
	for i := range min(len(a), len(b)) {
		if b[i] != 0 {
			r = append(r, a[i]/b[i])
		}
	}
	return r
}

// minus subtracts round by round.
func minus(a, b []float64) []float64 {
	var d []float64
	for i := range min(len(a), len(b)) {
		d = append(d, a[i]-b[i])
	}
	return d
}

// percentile of sorted values: the smallest that at least p percent of them do not exceed.
func percentile[T any](sorted []T, p int) T {
	return sorted[(len(sorted)*p+99)/100-1]
}
