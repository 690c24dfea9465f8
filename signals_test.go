package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// supervised runs a fake server under virtual time; send delivers a signal and lets everything settle.
func supervised(t *testing.T, serve serving, story func(send func(os.Signal), log *strings.Builder)) error {
	var err error
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		signals := make(chan os.Signal)
		done := make(chan struct{})
		go func() {
			defer close(done)
			err = supervise(slog.New(slog.NewTextHandler(&log, nil)), signals, serve)
		}()
		story(func(s os.Signal) { signals <- s; synctest.Wait() }, &log)
		<-done
		time.Sleep(time.Hour) // for a server that hangs: no goroutine may outlive the bubble
	})
	return err
}

// drains is a server that ends when it is told to, after a while.
func drains(ctx context.Context, stopNow, _ <-chan struct{}) error {
	<-ctx.Done()
	select {
	case <-stopNow:
		return errors.New("cut short")
	case <-time.After(30 * time.Second):
		return nil
	}
}

func TestFirstSignalDrains(t *testing.T) {
	for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		err := supervised(t, drains, func(send func(os.Signal), log *strings.Builder) { send(s) })
		require.NoError(t, err)
	}
}

func TestSecondSignalStopsAtOnce(t *testing.T) {
	err := supervised(t, drains, func(send func(os.Signal), _ *strings.Builder) {
		send(syscall.SIGTERM)
		time.Sleep(1100 * time.Millisecond)
		send(syscall.SIGTERM)
	})
	require.Equal(t, errStopped, err)
}

// A shell and what supervises it send the same signal twice in a moment: that is one.
func TestSignalsOfOneSecondAreOne(t *testing.T) {
	err := supervised(t, drains, func(send func(os.Signal), _ *strings.Builder) {
		send(syscall.SIGTERM)
		send(syscall.SIGTERM)
		time.Sleep(900 * time.Millisecond)
		send(syscall.SIGINT)
	})
	require.NoError(t, err)
}

// A second signal that comes when the drain is over does not make it a failure, however long the last push takes.
func TestSecondSignalAfterTheDrainIsNothing(t *testing.T) {
	closes := func(ctx context.Context, _, _ <-chan struct{}) error {
		<-ctx.Done()
		time.Sleep(5 * time.Second) // drained after 2 s, then a push that takes 3 s
		return nil
	}
	err := supervised(t, closes, func(send func(os.Signal), _ *strings.Builder) {
		send(syscall.SIGTERM)
		time.Sleep(2 * time.Second)
		send(syscall.SIGTERM)
	})
	require.NoError(t, err)
}

// A server that does not come back is left behind.
func TestSecondSignalStopsAServerThatHangs(t *testing.T) {
	hangs := func(_ context.Context, _, _ <-chan struct{}) error { time.Sleep(time.Minute); return nil }
	err := supervised(t, hangs, func(send func(os.Signal), _ *strings.Builder) {
		send(syscall.SIGINT)
		time.Sleep(1100 * time.Millisecond)
		send(syscall.SIGINT)
	})
	require.Equal(t, errStopped, err)
}

// Each SIGHUP is a reload, but those that come while one waits are one; none of them drains.
func TestHangupReloads(t *testing.T) {
	var reloads atomic.Int32
	hangs := func(ctx context.Context, stopNow, hangup <-chan struct{}) error {
		for {
			select {
			case <-hangup:
				reloads.Add(1)
				time.Sleep(time.Minute) // a slow reload
			case <-ctx.Done():
				return nil
			}
		}
	}
	err := supervised(t, hangs, func(send func(os.Signal), log *strings.Builder) {
		send(syscall.SIGHUP)
		require.EqualValues(t, 1, reloads.Load())
		send(syscall.SIGHUP)
		send(syscall.SIGHUP)
		time.Sleep(time.Hour)
		require.EqualValues(t, 2, reloads.Load())
		require.NotContains(t, log.String(), "draining")
		send(syscall.SIGTERM)
	})
	require.NoError(t, err)
}

func TestServerFailure(t *testing.T) {
	broken := errors.New("cannot listen")
	fails := func(_ context.Context, _, _ <-chan struct{}) error { return broken }
	err := supervised(t, fails, func(func(os.Signal), *strings.Builder) {})
	require.Equal(t, broken, err)
}
