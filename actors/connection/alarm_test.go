package connection

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// However often an alarm is set earlier, each message that counts is followed by at most one timer.
func TestAnAlarmHasOneTimerThatCounts(t *testing.T) {
	var a alarm
	require.False(t, a.on())
	require.False(t, a.rings(0), "it was never set")
	require.True(t, a.set(30, 0))
	require.False(t, a.set(40, 0), "it rings before that")
	require.True(t, a.set(20, 0))
	require.False(t, a.set(15, 5), "it rings soon enough")
	require.True(t, a.set(10, 5))
	require.True(t, a.on())
	require.True(t, a.rings(10))
	require.False(t, a.rings(10))
	require.True(t, a.set(30, 0))
	require.False(t, a.rings(20), "it was overtaken")
	require.True(t, a.rings(30))
	require.False(t, a.rings(30), "the first timer for 30 comes as well")
	require.False(t, a.on())
}
