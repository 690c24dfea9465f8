// Package server puts the proxy together: it translates the configuration into actors, serves the admin address,
// pushes metrics, and takes everything down in good order.
//
// A start is: system and tree of actors, admin address, push. Listeners open by themselves once their cluster's name
// servers have answered; /readyz tells when. A stop is a drain, and its steps are numbered in [Server.drain].
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// Server is one running proxy. Several can live in one process.
type Server struct {
	cfg   *config.Config
	log   *slog.Logger
	env   *actors.Env
	tree  *actors.Tree
	top   *actor.PID
	admin *admin
	push  *pusher

	certificates  certificates
	stopTransport func()

	failed   chan error // a pillar could not be kept alive
	draining chan struct{}
	started  time.Time
}

// ErrStoppedAtOnce is what Run returns when it was told to stop without draining.
var ErrStoppedAtOnce = errors.New("stopped at once, without draining")

// Run serves cfg until ctx is cancelled, and then drains; stopNow cuts that short. nil means a clean end.
func Run(ctx context.Context, cfg *config.Config, log *slog.Logger, stopNow <-chan struct{}) error {
	s, err := Start(cfg, log)
	if err != nil {
		return err
	}
	return s.Serve(ctx, stopNow)
}

// Start starts a proxy and returns at once; Ready tells when it serves. End it with Serve.
func Start(cfg *config.Config, log *slog.Logger) (*Server, error) {
	s := &Server{cfg: cfg, log: log, failed: make(chan error, 1), draining: make(chan struct{}), started: time.Now()}
	if err := s.build(); err != nil {
		if s.stopTransport != nil {
			s.stopTransport()
		}
		return nil, err
	}
	var err error
	if s.admin, err = s.serveAdmin(cfg.Admin.Address); err != nil {
		s.stopTransport()
		return nil, fmt.Errorf("cannot open the admin address (admin.address = %q): %w", cfg.Admin.Address, err)
	}
	if s.push, err = startPush(cfg.Metrics, s.writeMetrics); err != nil {
		s.stopTransport()
		s.admin.close()
		return nil, err
	}
	if s.top, err = s.env.Start(s.tree); err != nil {
		s.stopTransport()
		s.admin.close()
		return nil, fmt.Errorf("cannot start the actors: %w", err)
	}
	s.certificates.watch()
	log.Info("started", "admin", s.admin.addr(), "clusters", len(s.tree.Directories), "listeners", len(s.tree.Listeners))
	return s, nil
}

// giveUp ends the process through Serve; only the first reason counts.
func (s *Server) giveUp(why error) {
	select {
	case s.failed <- why:
	default:
	}
}

// Serve waits for the end: ctx, stopNow, or a failure that the tree cannot repair.
func (s *Server) Serve(ctx context.Context, stopNow <-chan struct{}) error {
	var err error
	ready := s.announce()
	for waiting := true; waiting; {
		select {
		case <-ready:
			ready = nil
			s.log.Info("ready", "after", time.Since(s.started).Round(time.Millisecond))
		case err = <-s.failed:
			err = fmt.Errorf("giving up: %w", err)
			waiting = false
		case <-ctx.Done():
			waiting = false
		}
	}
	if err == nil {
		err = s.drain(stopNow)
	}
	s.close()
	return err
}

// announce closes the returned channel when the proxy becomes ready for the first time.
func (s *Server) announce() <-chan struct{} {
	ready := make(chan struct{})
	go func() {
		for !s.Ready() {
			select {
			case <-s.draining:
				return
			case <-time.After(readyPoll):
			}
		}
		close(ready)
	}()
	return ready
}

// readyPoll is how often readiness is looked at for the log line.
const readyPoll = 10 * time.Millisecond

// Ready reports that all listeners are open, each cluster's name servers have answered, and no drain has begun.
func (s *Server) Ready() bool { return len(s.notReady()) == 0 }

func (s *Server) notReady() (why []string) {
	select {
	case <-s.draining:
		why = append(why, "draining")
	default:
	}
	for _, d := range s.tree.Directories {
		if d.View.Answered().IsZero() {
			why = append(why, fmt.Sprintf("no name server of cluster %s has answered yet", d.Cluster))
		}
	}
	for _, l := range s.tree.Listeners {
		if !l.Open() {
			why = append(why, fmt.Sprintf("listener %s is not open", l.Name))
		}
	}
	return why
}

// drain ends in good order:
//
//  1. /readyz says 503, so that balancers send nobody new;
//  2. the acceptors close their sockets;
//  3. each client connection closes when nothing of it is in flight;
//  4. what is left when drain_timeout is over, or when stopNow comes, is cut off.
func (s *Server) drain(stopNow <-chan struct{}) error {
	close(s.draining)
	begun := time.Now()
	s.log.Info("draining", "connections", s.connections(), "drain_timeout", s.cfg.DrainTimeout)
	s.env.System.Root.Send(s.top, &messages.Drain{})
	deadline := time.NewTimer(s.cfg.DrainTimeout)
	defer deadline.Stop()
	poll := time.NewTicker(drainPoll)
	defer poll.Stop()
	for {
		select {
		case <-stopNow:
			return ErrStoppedAtOnce
		case <-deadline.C:
			s.log.Warn("drain_timeout is over; cutting off what is left", "connections", s.connections())
			return nil
		case <-poll.C:
			if s.connections() == 0 {
				s.log.Info("drained", "after", time.Since(begun).Round(time.Millisecond))
				return nil
			}
		}
	}
}

// drainPoll is how often a drain looks whether it is done.
const drainPoll = 20 * time.Millisecond

// connections counts live client connections.
func (s *Server) connections() (n int) {
	for _, id := range s.env.Actors(actors.Root) {
		if actors.Kind(id) == "connection" {
			n++
		}
	}
	return n
}

// close stops the actors, pushes the last numbers, and closes the admin address.
func (s *Server) close() {
	if err := s.env.Stop(s.top); err != nil {
		s.log.Error("cannot stop all actors", "error", err)
	}
	s.stopTransport()
	s.certificates.close()
	s.push.close(s.log)
	s.admin.close()
	s.log.Info("stopped", "uptime", time.Since(s.started).Round(time.Millisecond))
}

// Addr is the name-server address of a listener, once it is open.
func (s *Server) Addr(listener string) string {
	for _, l := range s.tree.Listeners {
		if l.Name == listener && l.Open() {
			return l.Addr().String()
		}
	}
	return ""
}

// AdminAddr is the admin address.
func (s *Server) AdminAddr() string { return s.admin.addr() }
