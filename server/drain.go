package server

import (
	"context"
	"errors"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// Drain makes Serve end in good order, as the cancellation of its context does. It returns at once.
func (s *Server) Drain() { s.askOnce.Do(func() { close(s.asked) }) }

// drain ends in good order:
//
//  1. /readyz says 503; for drain_delay all else goes on, so that balancers notice;
//  2. the acceptors take in who has connected, and close their sockets;
//  3. a successor, if there is one (hand_over), is handed one connection after another;
//  4. what is left is let go: clients that understand it are sent away (drain_go_away), and each connection closes
//     when nothing of it is in flight, one after another;
//  5. what is left when drain_timeout is over, or when stopNow comes, is cut off.
func (s *Server) drain(stopNow <-chan struct{}) error {
	s.beginDraining()
	begun := time.Now()
	s.log.Info("draining: not ready any more", s.counts("drain_delay", s.config().DrainDelay, "drain_timeout", s.config().DrainTimeout)...)
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
	s.log.Info("draining: accepting nobody any more", s.counts()...)
	s.handOver(ctx)
	if canceled(ctx) {
		return ErrStoppedAtOnce
	}
	s.log.Info("draining: letting clients go", s.counts("go_away", s.config().DrainGoAway)...)
	return s.letGo(ctx, begun)
}

// drainNews is how often a drain tells how far it is.
const drainNews = 5 * time.Second

// letGo returns when all connections have ended, or the context has.
func (s *Server) letGo(ctx context.Context, begun time.Time) error {
	deadline, _ := ctx.Deadline()
	drained := make(chan error, 1)
	go func() {
		drained <- s.proxy.Drain(ctx, &messages.Drain{GoAway: s.config().DrainGoAway, Over: max(time.Until(deadline), 0)})
	}()
	news := time.NewTicker(drainNews)
	defer news.Stop()
	for {
		select {
		case err := <-drained:
			switch {
			case err == nil || s.connections() == 0:
				s.log.Info("drained", "after", time.Since(begun).Round(time.Millisecond))
			case canceled(ctx):
				return ErrStoppedAtOnce
			default:
				s.log.Warn("drain_timeout is over; cutting off what is left", s.counts()...)
			}
			return nil
		case <-news.C:
			s.log.Info("draining: waiting for clients", s.counts("left", time.Until(deadline).Round(time.Second))...)
		}
	}
}

// canceled reports that a second signal has cut a drain short.
func canceled(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }

// counts are what each step of a drain logs, before what it adds.
func (s *Server) counts(more ...any) []any {
	return append([]any{"connections", s.connections(), "in_flight", s.statistics().Active()}, more...)
}

// answerPatience is how long the actors may take to answer. They are busy for microseconds at a time.
const answerPatience = 2 * time.Second

// connections counts live client connections.
func (s *Server) connections() int {
	ctx, cancel := context.WithTimeout(context.Background(), answerPatience)
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
