package server

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// A file that a full disk does not take is written when there is room again, though nothing changes meanwhile.
func TestAStateFileIsSavedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		output := &proxytest.Log{}
		var room atomic.Bool
		var written []string
		k := newStateKeeper("ports.json", slog.New(slog.NewTextHandler(output, nil)))
		save := func(text string) error {
			return k.keep(func() error {
				if !room.Load() {
					return syscall.ENOSPC
				}
				written = append(written, text)
				return nil
			})()
		}
		require.ErrorIs(t, save("old"), syscall.ENOSPC)
		require.ErrorIs(t, save("new"), syscall.ENOSPC)
		time.Sleep(3 * saveAgainAfter)
		room.Store(true)
		time.Sleep(saveAgainAfter)
		synctest.Wait()
		require.Equal(t, []string{"new"}, written)
		require.True(t, output.Has("level=INFO", "state saved", "file=ports.json"))
		require.NoError(t, save("newest"))
		closeAll(k)
		require.Equal(t, []string{"new", "newest"}, written)
		require.Error(t, save("late"))
	})
}

// A file system that does not answer holds up neither a caller nor the end of the process for longer than a moment.
func TestAFileSystemThatDoesNotAnswerHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := make(chan struct{})
		written := 0
		k := newStateKeeper("ports.json", slog.New(slog.DiscardHandler))
		write := func() error {
			<-answers
			written++
			return nil
		}
		begun := time.Now()
		require.ErrorIs(t, k.keep(write)(), errSaveSlow)
		require.ErrorIs(t, k.keep(write)(), errSaveSlow)
		closeAll(k)
		require.Equal(t, 3*saveTimeout, time.Since(begun))
		close(answers)
		<-k.done
		require.Equal(t, 2, written)
	})
}

// Who has given an older state is told how the newer one went, which has all of it.
func TestANewerStateIsSavedInPlaceOfAnOlderOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := make(chan struct{})
		k := newStateKeeper("ports.json", slog.New(slog.DiscardHandler))
		defer closeAll(k)
		k.keep(func() error { <-answers; return nil })
		synctest.Wait() // it is being written
		older := k.keep(func() error { return errors.New("the older one was written") })
		newer := k.keep(func() error { return nil })
		close(answers)
		require.NoError(t, newer())
		require.NoError(t, older())
	})
}

// What could not be written is tried a last time at the end.
func TestTheEndSavesTheState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		k := newStateKeeper("ports.json", slog.New(slog.DiscardHandler))
		require.Error(t, k.keep(func() error {
			tries++
			return errors.New("not yet")
		})())
		closeAll(k)
		require.Equal(t, 2, tries)
	})
}
