package handover

import (
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Two successors that take a path over at the same moment may take each other's socket for their own. One of them has the
// path in the end, within the time in which both look at it.
func TestRivalsLeaveAPathThatAnswers(t *testing.T) {
	for range 10 {
		path := newPath(t)
		var rivals sync.WaitGroup
		for range 4 {
			e, err := Inherit(path, nil, slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			t.Cleanup(e.Close)
			rivals.Go(func() { e.Serve(&fakeProxy{}) })
		}
		rivals.Wait()
		require.Eventually(t, func() bool { return successorReachable(path) }, patience, 10*time.Millisecond)
	}
}
