package system

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSamplerSaysHowManyLinesItSuppressed(t *testing.T) {
	s := Sampler{Lines: 50}
	now := int64(SampleInterval)
	for range 50 {
		line, ok := s.Allow(now, "a", 1)
		require.True(t, ok)
		require.Equal(t, []any{"a", 1}, line)
	}
	for range 7 {
		_, ok := s.Allow(2*now-1, "a", 1)
		require.False(t, ok)
	}
	line, ok := s.Allow(2*now, "a", 1)
	require.True(t, ok)
	require.Equal(t, []any{"a", 1, "suppressed", 7}, line)
	line, _ = s.Allow(2*now, "a", 1)
	require.Equal(t, []any{"a", 1}, line)
}

// An interval begins with a line, however late, and a sampler that nobody has set up allows one.
func TestSamplerBeginsWithTheFirstLine(t *testing.T) {
	var s Sampler
	interval := int64(SampleInterval)
	for _, at := range []struct {
		now int64
		ok  bool
	}{{1, true}, {interval, false}, {interval + 1, true}, {3*interval - 1, true}, {4*interval - 2, false}, {4*interval - 1, true}} {
		_, ok := s.Allow(at.now)
		require.Equal(t, at.ok, ok, "at %d", at.now)
	}
}

// What was suppressed last is told even when nothing comes after it, once.
func TestSamplerTellsSuppressedLinesLate(t *testing.T) {
	var s Sampler
	interval := int64(SampleInterval)
	_, ok := s.Late(1)
	require.False(t, ok, "nothing was suppressed")
	s.Allow(1)
	for range 3 {
		s.Allow(2)
	}
	_, ok = s.Late(interval)
	require.False(t, ok, "the interval goes on")
	line, ok := s.Late(1+interval, "a", 1)
	require.True(t, ok)
	require.Equal(t, []any{"a", 1, "suppressed", 2}, line)
	_, ok = s.Allow(2 * interval)
	require.False(t, ok, "that line began an interval")
	_, ok = s.Late(3 * interval)
	require.True(t, ok)
	_, ok = s.Late(5 * interval)
	require.False(t, ok)
}
