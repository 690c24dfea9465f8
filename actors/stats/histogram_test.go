package stats

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

func TestHistogramBucketsAreNarrow(t *testing.T) {
	last := -1
	for v := uint64(0); v < 1<<40; v += v/97 + 1 {
		i := bucketOf(v)
		require.GreaterOrEqual(t, i, last, "buckets are in order at %d", v)
		last = i
		low, next := lowerBound(i), lowerBound(i+1)
		require.LessOrEqual(t, low, v)
		require.Less(t, v, next)
		require.LessOrEqual(t, float64(v-low), 0.0625*float64(v), "off by 6 %% at most at %d", v)
	}
	require.Less(t, bucketOf(1<<63-1), len(histogram{}.counts))
}

func TestHistogramQuantiles(t *testing.T) {
	var h histogram
	for ms := range int64(1000) {
		h.add(ms*1000, 1)
	}
	h.add(-5, 1) // a clock that went backwards counts as nothing
	for q, want := range map[float64]float64{0: 0, .25: 250, .5: 500, .9: 900, .99: 990, 1: 999} {
		require.InDelta(t, want, h.quantile(q), want*0.0625+1, "q %v", q)
	}
}

func TestHistogramText(t *testing.T) {
	var interval, total histogram
	require.Equal(t, "No recorded values", envoyText(&interval, &total))
	total.add(12, 1)
	require.Equal(t, "P0(nan,0.012) P25(nan,0.012) P50(nan,0.012) P75(nan,0.012) P90(nan,0.012) P95(nan,0.012) P99(nan,0.012) P99.9(nan,0.012) P100(nan,0.012)",
		envoyText(&interval, &total))
	interval.add(8, 1)
	require.Contains(t, envoyText(&interval, &total), "P50(0.008,0.012)")
}

// The interval of /stats is the last whole one.
func TestStatisticsRotate(t *testing.T) {
	s := NewRegistry("main")
	p := s.prefix("main")
	p.times([]messages.Times{{Nanos: 5_000, Count: 1}})
	require.Zero(t, p.interval.n)
	s.rotate()
	require.Equal(t, uint64(1), p.interval.n)
	s.rotate()
	require.Zero(t, p.interval.n)
	require.Equal(t, uint64(1), p.total.n)
}
