package server

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
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
	deadline := time.Now().Add(s.config().DrainTimeout)
	root := s.env.System.Root
	root.Send(s.top, &messages.CloseDoors{})
	s.log.Info("draining: accepting nobody any more", s.counts()...)
	if !s.handOver(deadline, stopNow) {
		return ErrStoppedAtOnce
	}
	root.Send(s.top, &messages.Drain{GoAway: s.config().DrainGoAway, Over: max(time.Until(deadline), 0)})
	s.log.Info("draining: letting clients go", s.counts("go_away", s.config().DrainGoAway)...)
	return s.awaitEmpty(begun, deadline, stopNow)
}

const (
	// drainPoll is how often a drain looks whether it is done. With 30,000 clients a look takes some 40 ms: it then
	// waits drainRest times as long, and the clients have the rest.
	drainPoll = 20 * time.Millisecond
	drainRest = 10
	// drainNews is how often it tells how far it is.
	drainNews = 5 * time.Second
)

func (s *Server) awaitEmpty(begun, deadline time.Time, stopNow <-chan struct{}) error {
	news := time.NewTicker(drainNews)
	defer news.Stop()
	over := time.NewTimer(time.Until(deadline))
	defer over.Stop()
	for {
		looked := time.Now()
		if s.connections() == 0 {
			break
		}
		select {
		case <-stopNow:
			return ErrStoppedAtOnce
		case <-over.C:
			s.log.Warn("drain_timeout is over; cutting off what is left", s.counts()...)
			return nil
		case <-news.C:
			s.log.Info("draining: waiting for clients", s.counts("left", time.Until(deadline).Round(time.Second))...)
		case <-time.After(max(drainPoll, drainRest*time.Since(looked))):
		}
	}
	s.log.Info("drained", "after", time.Since(begun).Round(time.Millisecond))
	return nil
}

// counts are what each step of a drain logs, before what it adds.
func (s *Server) counts(more ...any) []any {
	return append([]any{"connections", s.connections(), "in_flight", s.statistics().Active()}, more...)
}

// connections counts live client connections.
func (s *Server) connections() int { return len(s.connectionIDs()) }

func (s *Server) connectionIDs() (ids []string) {
	for _, id := range s.env.Actors(actors.Root) {
		if actors.Kind(id) == "connection" {
			ids = append(ids, id)
		}
	}
	return ids
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
