//go:build linux

package report

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

func TestQuartiles(t *testing.T) {
	values := []float64{5, 1, 2, 4, 3}
	require.Equal(t, 2.0, quantile(values, 0.25))
	require.Equal(t, 4.0, quantile(values, 0.75))
	require.Equal(t, 5.0, quantile(values, 1))
	require.InDelta(t, 1.75, quantile([]float64{1, 2, 3, 4}, 0.25), 1e-9)
	require.Equal(t, "3.00 [2.00–4.00]", spread(values))
	require.Equal(t, "1.50", spread([]float64{1, 2}), "two rounds have no quartiles")
	require.Empty(t, spread(nil))
}

func TestThreeDigitsCount(t *testing.T) {
	for want, n := range map[string]float64{"0.12": 0.1234, "1.23": 1.234, "12.3": 12.34, "123": 123.4, "-12.3": -12.34, "-123": -123.4} {
		require.Equal(t, want, number(n))
	}
}

func TestRatiosAreOfOneRound(t *testing.T) {
	require.Equal(t, []float64{2, 0.5}, ratios([]float64{4, 10, 99}, []float64{2, 20}))
	require.Equal(t, []float64{1}, ratios([]float64{4, 3}, []float64{0, 3}), "a round without a value is left out")
	require.Equal(t, []float64{2, -10}, minus([]float64{4, 10}, []float64{2, 20}))
}
