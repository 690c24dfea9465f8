package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// secondSignal is how long after the first signal another one counts. A shell and its supervisor, or an impatient key,
// send the same one twice.
const secondSignal = time.Second

// stopTimeout is how long the server may take to return when it has to stop at once. Only the last push of metrics
// lasts longer than a moment (3 s); a server that takes longer hangs.
const stopTimeout = 5 * time.Second

var errStopped = errors.New("stopped at once by a second signal; requests in flight were not waited for")

// untilSignal runs a server until it returns or a signal ends the process.
func untilSignal(log *slog.Logger, serve serving) error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, append(unsupported, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)...)
	defer signal.Stop(signals)
	signal.Ignore(syscall.SIGPIPE) // whoever reads the log may end, and nothing of ours does with it
	return supervise(log, signals, serve)
}

// serving is a server: it drains when ctx ends, stops when stopNow is closed, and reloads on each hangup. It returns nil
// when it has drained, also if stopNow is closed meanwhile.
type serving func(ctx context.Context, stopNow, hangup <-chan struct{}) error

// supervise is untilSignal with signals from anywhere. The first one cancels the server's context, which makes it
// drain; one that comes a second later or more closes stopNow. SIGHUP asks for a reload; one that comes while another
// waits is the same. Signals that are not supported change nothing, at any moment.
func supervise(log *slog.Logger, signals <-chan os.Signal, serve serving) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stopNow := make(chan struct{})
	hangup := make(chan struct{}, 1)
	returned := make(chan error, 1)
	go func() { returned <- serve(ctx, stopNow, hangup) }()
	var first time.Time // when the first signal came; zero: none has
	for {
		select {
		case err := <-returned:
			return err
		case s := <-signals:
			switch {
			case slices.Contains(unsupported, s):
				log.Warn("unsupported signal ignored", "signal", s.String())
			case s == syscall.SIGHUP:
				select {
				case hangup <- struct{}{}:
				default:
				}
			case first.IsZero():
				first = time.Now()
				log.Info("signal received, draining", "signal", s.String(), "second_signal", "stops at once")
				cancel()
			case time.Since(first) > secondSignal:
				close(stopNow)
				return stopped(returned)
			}
		}
	}
}

// stopped waits for a server that has to stop at once.
func stopped(returned <-chan error) error {
	select {
	case err := <-returned:
		if err == nil {
			return nil // it had drained already
		}
	case <-time.After(stopTimeout):
	}
	return errStopped
}
