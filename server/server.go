// Package server puts the proxy together: it translates the configuration into actors, serves the admin address,
// pushes metrics, and takes everything down in good order.
//
// A start is: what a predecessor shares, system and tree of actors, admin address, push. Listeners open by themselves
// once their cluster's name servers have answered; /readyz says when. A reload prepares everything that can fail and
// then takes the tree to its next revision ([Server.Reload]). A stop is a drain, and its steps are numbered in
// [Server.drain].
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/admin"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/handover"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Server is one running proxy. Several can live in one process.
type Server struct {
	cfg   atomic.Pointer[config.Config] // in effect
	log   *slog.Logger
	proxy *actors.Proxy
	admin *admin.Server
	open  *admin.Server // of metrics.address; nil: there is none
	push  *pusher

	certificates  certificates
	sockets       transport.Transport
	stopTransport func()

	failed     chan error    // an actor that everything needs could not be kept alive
	asked      chan struct{} // by Drain
	askOnce    sync.Once
	draining   chan struct{}
	ended      chan struct{}
	handover   *handover.Endpoint // nil: hand_over is not set
	started    time.Time
	faults     bool // actors may be made to panic: tests do
	buildInfo  BuildInfo
	wasReady   atomic.Bool
	keepers    stateKeepers
	operations operations

	reloads
}

// ErrStoppedAtOnce is what Run returns when stopNow was closed: it has not drained.
var ErrStoppedAtOnce = errors.New("stopped at once, without draining")

// Run serves cfg until ctx is canceled, and then drains; stopNow cuts that short. nil means a clean end.
func Run(ctx context.Context, cfg *config.Config, log *slog.Logger, stopNow <-chan struct{}, opts ...Option) error {
	limitMemory(cfg.Limits, log)
	tellConnectionLimit(cfg, log)
	s, err := Start(cfg, log, opts...)
	if err != nil {
		return err
	}
	return s.Serve(ctx, stopNow)
}

// Start starts a proxy and returns at once; Ready reports whether it serves. End it with Serve.
func Start(cfg *config.Config, log *slog.Logger, opts ...Option) (*Server, error) {
	s := &Server{
		log: log, failed: make(chan error, 1), asked: make(chan struct{}), draining: make(chan struct{}),
		ended: make(chan struct{}), started: time.Now(), reloads: reloads{turn: make(chan struct{}, 1)},
	}
	s.cfg.Store(cfg)
	for _, o := range opts {
		o(s)
	}
	undo := []func(){s.keepers.close}
	tree, err := s.assemble(cfg, &undo)
	if err != nil {
		for _, f := range slices.Backward(undo) {
			f()
		}
		return nil, err
	}
	s.certificates.watch()
	s.admin.Serve()
	s.open.Serve()
	log.Info("started", "admin_address", s.admin.Addr(), "metrics_address", s.MetricsAddr(), "clusters", len(tree.Clusters), "listeners", len(tree.Listeners))
	go s.reloadOnHangup()
	return s, nil
}

// assemble makes and starts the parts. undo takes back what was made, when a later part fails.
func (s *Server) assemble(cfg *config.Config, undo *[]func()) (tree *actors.Tree, err error) {
	made := func(f func()) { *undo = append(*undo, f) }
	if s.handover, err = handover.Inherit(cfg.HandOver, claims(cfg), s.log); err != nil {
		return nil, err
	}
	made(s.handover.Close)
	tree, err = s.build(cfg)
	if s.stopTransport != nil {
		made(s.stopTransport)
	}
	if err != nil {
		return nil, err
	}
	if s.admin, err = admin.Listen(cfg.Admin, s.log, s.proxy, backend{s, &s.operations}); err != nil {
		return nil, err
	}
	made(s.admin.Close)
	if s.open, err = admin.ListenMetrics(cfg.Metrics, s.log, backend{s, &s.operations}); err != nil {
		return nil, err
	}
	made(s.open.Close)
	if err = s.proxy.Start(tree); err != nil {
		return nil, fmt.Errorf("cannot start the actors: %w", err)
	}
	made(func() { _ = s.proxy.Stop() })
	s.push, err = startPush(cfg.Metrics, s.log, s.writeMetrics)
	return tree, err
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
			s.notify(daemon.SdNotifyReady)
			s.log.Info("ready", "after_seconds", seconds(time.Since(s.started)))
		case err = <-s.failed:
			err = fmt.Errorf("giving up: %w", err)
			waiting = false
		case <-ctx.Done():
			waiting = false
		case <-s.asked:
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
		for len(s.notOpen()) > 0 {
			select {
			case <-s.draining:
				return
			case <-time.After(readyPoll):
			}
		}
		s.handover.Serve(s.proxy)
		close(ready)
	}()
	return ready
}

// readyPoll is how often readiness is looked at for the log line.
const readyPoll = 10 * time.Millisecond

// Ready reports that all listeners are open, each cluster's name servers have answered, and no drain has begun.
func (s *Server) Ready() bool { return len(s.notReady()) == 0 }

func (s *Server) notReady() (why []string) {
	if s.isDraining() {
		why = append(why, "draining")
	}
	if !s.handover.Serving() {
		why = append(why, "hand_over is not taken over yet")
	}
	return append(why, s.notOpen()...)
}

// notOpen is what is still missing for clients.
func (s *Server) notOpen() (why []string) {
	tree := s.proxy.Tree()
	for _, d := range tree.Clusters {
		if s.excused(d.Late) {
			continue
		}
		if d.Snapshot().Answered().IsZero() {
			why = append(why, fmt.Sprintf("no name server of cluster %s has answered yet", d.Name))
		}
	}
	for _, l := range tree.Listeners {
		if !l.Open() && !s.excused(l.Late) {
			why = append(why, fmt.Sprintf("listener %s is not open", l.Name))
		}
		if !l.Offers() && !s.excused(l.Late) {
			why = append(why, fmt.Sprintf("listener %s has no port for any of its brokers", l.Name))
		}
	}
	if len(why) == 0 {
		s.wasReady.Store(true)
	}
	return why
}

// excused reports what is not needed for the readiness of a proxy that has been ready: a reload that adds a cluster whose name servers do
// not answer must not send the clients of the others away.
func (s *Server) excused(late bool) bool { return late && s.wasReady.Load() }

// config is the configuration in effect.
func (s *Server) config() *config.Config { return s.cfg.Load() }

func (s *Server) statistics() *actors.Statistics { return s.proxy.Statistics() }

// close stops the actors, pushes the last numbers, and closes the admin address.
func (s *Server) close() {
	s.beginDraining() // also after a failure: no reload from now on
	if err := s.proxy.Stop(); err != nil {
		s.log.Error("cannot stop all actors", "error", err)
	}
	close(s.ended)
	s.keepers.close()
	s.stopTransport()
	s.certificates.close()
	s.handover.Close()
	s.push.close()
	s.open.Close()
	s.admin.Close()
	s.log.Info("stopped", "uptime_seconds", seconds(time.Since(s.started)))
}

// Addr is the name-server address of a listener, once it is open.
func (s *Server) Addr(listener string) string {
	for _, l := range s.proxy.Tree().Listeners {
		if l.Name == listener && l.Open() {
			return l.Addr().String()
		}
	}
	return ""
}

// MetricsAddr is the address of metrics and probes alone; "" when there is none.
func (s *Server) MetricsAddr() string {
	if s.open == nil {
		return ""
	}
	return s.open.Addr()
}

// AdminAddr is the admin address.
func (s *Server) AdminAddr() string { return s.admin.Addr() }
