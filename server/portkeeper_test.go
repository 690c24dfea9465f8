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
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// A port table that a full disk does not take is written when there is room again, though no port changes meanwhile.
func TestAPortTableIsSavedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		output := &proxytest.Log{}
		var room atomic.Bool
		var written []map[route.BrokerID]int
		k := newPortKeeper("main", slog.New(slog.NewTextHandler(output, nil)), func(ports map[route.BrokerID]int) error {
			if !room.Load() {
				return syscall.ENOSPC
			}
			written = append(written, ports)
			return nil
		})
		old, table := map[route.BrokerID]int{proxytest.BrokerA: 20000}, map[route.BrokerID]int{proxytest.BrokerA: 20001}
		require.ErrorIs(t, k.save(old), syscall.ENOSPC)
		require.ErrorIs(t, k.save(table), syscall.ENOSPC)
		time.Sleep(3 * saveAgainAfter)
		room.Store(true)
		time.Sleep(saveAgainAfter)
		synctest.Wait()
		require.Equal(t, []map[route.BrokerID]int{table}, written)
		require.True(t, output.Has("level=INFO", "port table saved", "listener=main"))
		require.NoError(t, k.save(old))
		closeAll(k)
		require.Len(t, written, 2)
		require.Error(t, k.save(old))
	})
}

// A file system that does not answer holds up neither a listener nor the end of the process for longer than a moment.
func TestAFileSystemThatDoesNotAnswerHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := make(chan struct{})
		written := 0
		k := newPortKeeper("main", slog.New(slog.DiscardHandler), func(map[route.BrokerID]int) error {
			<-answers
			written++
			return nil
		})
		begun := time.Now()
		require.ErrorIs(t, k.save(nil), errSaveSlow)
		require.ErrorIs(t, k.save(nil), errSaveSlow)
		closeAll(k)
		require.Equal(t, 3*saveTimeout, time.Since(begun))
		close(answers)
		<-k.done
		require.Positive(t, written)
	})
}

// What could not be written is tried a last time at the end.
func TestTheEndSavesThePortTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		k := newPortKeeper("main", slog.New(slog.DiscardHandler), func(map[route.BrokerID]int) error {
			tries++
			return errors.New("not yet")
		})
		require.Error(t, k.save(nil))
		closeAll(k)
		require.Equal(t, 2, tries)
	})
}
