package connection

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Connections that came within a millisecond leave all over a fifth of the age.
func TestAgesAreSpread(t *testing.T) {
	const limit = time.Hour
	least, most, sum := limit*2, time.Duration(0), time.Duration(0)
	for born := range int64(1000) {
		at := ageLimit(born*1000, limit)
		require.Equal(t, at, ageLimit(born*1000, limit))
		least, most, sum = min(least, at), max(most, at), sum+at
	}
	require.InDelta(t, 54, least.Minutes(), 0.2)
	require.InDelta(t, 66, most.Minutes(), 0.2)
	require.InDelta(t, 60, (sum / 1000).Minutes(), 0.2)
}
