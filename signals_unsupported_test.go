//go:build unix

package main

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// SIGUSR1 and SIGUSR2, which other proxies know, neither end a proxy nor cut its drain short, whenever they come.
func TestUnsupportedSignalsAreIgnored(t *testing.T) {
	err := supervised(t, drains, func(send func(os.Signal), log *strings.Builder) {
		send(syscall.SIGUSR2)
		send(syscall.SIGTERM)
		time.Sleep(2 * secondSignal)
		send(syscall.SIGUSR1)
		send(syscall.SIGUSR2)
		require.Equal(t, 3, strings.Count(log.String(), `level=WARN msg="unsupported signal ignored" signal="user defined signal`))
	})
	require.NoError(t, err)
	require.Contains(t, unsupported, syscall.SIGUSR2)
}

// The process itself does not die of one: the system would end it, with all that is in flight.
func TestAnUnsupportedSignalDoesNotKillTheProcess(t *testing.T) {
	require.NoError(t, untilSignal(slog.New(slog.DiscardHandler), func(ctx context.Context, _, _ <-chan struct{}) error {
		require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGUSR2))
		require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGTERM))
		<-ctx.Done()
		return nil
	}))
}
