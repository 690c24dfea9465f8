package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// stopGrace is how long the server may take to return after the second signal. It has nothing left to wait for then,
// so a server that needs longer hangs, and whoever sent two signals wants their prompt back.
const stopGrace = time.Second

var errStopped = errors.New("stopped at once by a second signal; requests in flight were not waited for")

// untilSignal runs a server until it returns or the process is told to stop.
func untilSignal(log *slog.Logger, serve serving) error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer signal.Stop(signals)
	return supervise(log, signals, serve)
}

// serving is a server: it drains when ctx ends, stops when stopNow is closed, and reloads on each hangup.
type serving func(ctx context.Context, stopNow, hangup <-chan struct{}) error

// supervise is untilSignal with signals from anywhere. The first one cancels the server's context, which makes it
// drain; the second closes stopNow. SIGHUP asks for a reload; one that comes while another waits is the same.
func supervise(log *slog.Logger, signals <-chan os.Signal, serve serving) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stopNow := make(chan struct{})
	hangup := make(chan struct{}, 1)
	returned := make(chan error, 1)
	go func() { returned <- serve(ctx, stopNow, hangup) }()
	for {
		select {
		case err := <-returned:
			if err != nil {
				return failure{exitFailure, err}
			}
			return nil
		case s := <-signals:
			switch {
			case s == syscall.SIGHUP:
				select {
				case hangup <- struct{}{}:
				default:
				}
			case ctx.Err() == nil:
				log.Info("draining; a second signal stops at once", "signal", s.String())
				cancel()
			default:
				close(stopNow)
				return stopped(returned)
			}
		}
	}
}

// stopped gives the server its last second.
func stopped(returned <-chan error) error {
	select {
	case <-returned:
	case <-time.After(stopGrace):
	}
	return failure{exitFailure, errStopped}
}
