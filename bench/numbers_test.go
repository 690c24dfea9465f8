//go:build linux

package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMedian(t *testing.T) {
	require.Zero(t, median(nil))
	require.Equal(t, 3.0, median([]float64{9, 1, 3}))
	require.Equal(t, 2.5, median([]float64{4, 1, 2, 3}))
	values := []float64{3, 1, 2}
	median(values)
	require.Equal(t, []float64{3, 1, 2}, values, "rounds keep their order")
}

func TestPercentile(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = i + 1
	}
	require.Equal(t, 50, percentile(hundred, 50))
	require.Equal(t, 99, percentile(hundred, 99))
	require.Equal(t, 7, percentile([]int{7}, 50))
	require.Equal(t, 8, percentile([]int{7, 8}, 99))
}

func TestRatiosAreOfOneRound(t *testing.T) {
	require.Equal(t, []float64{2, 0.5}, ratios([]float64{4, 10, 99}, []float64{2, 20}))
	require.Equal(t, []float64{1}, ratios([]float64{4, 3}, []float64{0, 3}), "a round without a value is left out")
	require.Equal(t, []float64{2, -10}, minus([]float64{4, 10}, []float64{2, 20}))
}
