package system

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRation(t *testing.T) {
	var r Sampler
	now := int64(WarnEvery)
	for range rationed {
		line, ok := r.More(now, []any{"a", 1})
		require.True(t, ok)
		require.Equal(t, []any{"a", 1}, line)
	}
	for range 7 {
		_, ok := r.More(2*now-1, nil)
		require.False(t, ok)
	}
	line, ok := r.More(2*now, []any{"a", 1})
	require.True(t, ok)
	require.Equal(t, []any{"a", 1, "more that were not logged", 7}, line)
	line, _ = r.More(2*now, []any{"a", 1})
	require.Equal(t, []any{"a", 1}, line)
}
