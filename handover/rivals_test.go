package handover

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
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

// Processes that listen at one path at once do not take each other's sockets away before they are there, and leave nothing
// behind. A file that one left which was killed is in nobody's way.
func TestRivalsUseNamesOfTheirOwn(t *testing.T) {
	path := newPath(t)
	left, first, err := listenAtDraft(path, 0)
	require.NoError(t, err)
	left.SetUnlinkOnClose(false)
	require.NoError(t, left.Close())
	const n = 50
	listeners := make(chan *net.UnixListener, n)
	var rivals sync.WaitGroup
	for range n {
		rivals.Go(func() {
			ln, err := listenAt(path)
			if assert.NoError(t, err) {
				listeners <- ln
			}
		})
	}
	rivals.Wait()
	close(listeners)
	require.Len(t, listeners, n)
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	require.ElementsMatch(t, []string{filepath.Base(path), filepath.Base(first)}, names)
	nc, err := net.Dial("unix", path)
	require.NoError(t, err, "the last one has it")
	nc.Close()
	for ln := range listeners {
		ln.Close()
	}
}
