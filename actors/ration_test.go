package actors

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRation(t *testing.T) {
	var r ration
	now := int64(warnEvery)
	for range rationed {
		line, ok := r.more(now, []any{"a", 1})
		require.True(t, ok)
		require.Equal(t, []any{"a", 1}, line)
	}
	for range 7 {
		_, ok := r.more(2*now-1, nil)
		require.False(t, ok)
	}
	line, ok := r.more(2*now, []any{"a", 1})
	require.True(t, ok)
	require.Equal(t, []any{"a", 1, "more that were not logged", 7}, line)
	line, _ = r.more(2*now, []any{"a", 1})
	require.Equal(t, []any{"a", 1}, line)
}
