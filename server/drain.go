package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// Drain makes Serve end in good order, as the cancellation of its context does. It returns at once.
func (s *Server) Drain() { s.askOnce.Do(func() { close(s.asked) }) }

// drain ends in good order:
//
//  1. /readyz says 503; for drain_delay all else goes on, so that balancers notice;
//  2. the acceptors take in clients that have connected, and close their sockets;
//  3. a successor, if there is one (hand_over), is handed one connection after another;
//  4. what is left is let go: clients that understand it are sent away (drain_go_away), and each connection closes
//     when nothing of it is in flight, one after another;
//  5. what is left when drain_timeout is over, or when stopNow comes, is cut off.
func (s *Server) drain(stopNow <-chan struct{}) error {
	s.beginDraining()
	s.notify(daemon.SdNotifyStopping)
	begun := time.Now()
	s.log.Info("drain started, not ready", s.counts("drain_delay_seconds", s.config().DrainDelay.Seconds(), "drain_timeout_seconds", s.config().DrainTimeout.Seconds())...)
	if !sleep(s.config().DrainDelay, stopNow) {
		return ErrStoppedAtOnce
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.config().DrainTimeout)
	defer cancel()
	go func() {
		select {
		case <-stopNow:
			cancel()
		case <-ctx.Done():
		}
	}()
	s.proxy.StopAccepting()
	s.log.Info("listening sockets closed for drain", s.counts()...)
	s.handOver(ctx)
	if canceled(ctx) {
		return ErrStoppedAtOnce
	}
	s.log.Info("letting clients go", s.counts("go_away", s.config().DrainGoAway)...)
	return s.letGo(ctx, begun)
}

// drainProgress is how often a drain logs how far it is, and clientsNamed how many of those that it waits for it names.
const (
	drainProgress = 5 * time.Second
	clientsNamed  = 5
)

// letGo returns when all connections have ended, or the context has.
func (s *Server) letGo(ctx context.Context, begun time.Time) error {
	deadline, _ := ctx.Deadline()
	drained := make(chan error, 1)
	go func() {
		drained <- s.proxy.Drain(ctx, &messages.Drain{GoAway: s.config().DrainGoAway, Over: max(time.Until(deadline), 0)})
	}()
	progress := time.NewTicker(drainProgress)
	defer progress.Stop()
	for {
		select {
		case err := <-drained:
			switch {
			case err == nil || s.connections() == 0:
				s.log.Info("drained", "after_seconds", seconds(time.Since(begun)))
			case canceled(ctx):
				return ErrStoppedAtOnce
			default:
				s.log.Warn("drain timeout, closing remaining clients", s.waitedFor()...)
			}
			return nil
		case <-progress.C:
			s.log.Info("drain waits for clients", append(s.waitedFor(), "left_seconds", seconds(time.Until(deadline)))...)
		}
	}
}

// waitedFor are the numbers of a drain, and the clients with most in flight.
func (s *Server) waitedFor() []any {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	list, total := s.proxy.Connections(ctx, actors.Filter{}, actors.Page{Sort: "requests_in_flight", Limit: clientsNamed})
	named := make([]string, 0, len(list))
	for _, c := range list {
		named = append(named, fmt.Sprintf("%s %s (%d in flight)", cmp.Or(c.ClientID, "?"), c.Remote, c.InFlight))
	}
	s.proxy.Publish(actors.Event{Kind: actors.DrainProgress, Connections: total})
	return []any{"connections", total, "in_flight", s.statistics().Active(), "clients", named}
}

// canceled reports that a second signal has cut a drain short.
func canceled(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }

// counts are what each step of a drain logs, before what it adds.
func (s *Server) counts(more ...any) []any {
	return append([]any{"connections", s.connections(), "in_flight", s.statistics().Active()}, more...)
}

// answerTimeout is how long the actors may take to answer. They are busy for microseconds at a time.
const answerTimeout = 2 * time.Second

// connections counts live client connections.
func (s *Server) connections() int {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	return s.proxy.CountConnections(ctx)
}

// sleep reports false when stop came first.
func sleep(d time.Duration, stop <-chan struct{}) bool {
	if d <= 0 {
		return true
	}
	select {
	case <-stop:
		return false
	case <-time.After(d):
		return true
	}
}
