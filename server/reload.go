package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/rocketmq-proxy/rocketmq-proxy/admin"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// Option is something that a server can do without.
type Option func(*Server)

// WithReload makes a server able to reload. load reads the configuration again, from where the first one came; level
// is that of the server's log; each hangup asks for a reload.
func WithReload(load func() (*config.Config, error), level *slog.LevelVar, hangup <-chan struct{}) Option {
	return func(s *Server) { s.load, s.level, s.hangup = load, level, hangup }
}

// reloads is what the server keeps for reloads.
type reloads struct {
	// turn is taken by a reload from reading its files to their effect, so that what was read last is in effect. A drain
	// does not wait for it: files may be on a file system that does not answer.
	turn     chan struct{}
	applying sync.Mutex // no reload takes effect beside the beginning of a drain; guards push
	load     func() (*config.Config, error)
	level    *slog.LevelVar
	hangup   <-chan struct{}

	succeeded, failures *metrics.Counter
	lastSuccess, lastOK *metrics.Gauge
}

var (
	errNoSource = fmt.Errorf("%w: the configuration was not read from anywhere; restart the proxy to change it", admin.ErrNotNow)
	errDraining = fmt.Errorf("%w: the proxy is draining", admin.ErrNotNow)
)

// Reloaded is what a reload did.
type Reloaded struct {
	AtOnce      []string // changes in effect now
	ForNew      []string // in effect for connections from now on
	NeedRestart []string // not made: they cannot be, at run time
	BadFiles    []string // files that keys name and that cannot be used; what was read before stays
}

// String is one line for each change.
func (r *Reloaded) String() string {
	var b strings.Builder
	b.WriteString("reloaded\n")
	if len(r.AtOnce)+len(r.ForNew)+len(r.NeedRestart) == 0 {
		b.WriteString("no key has changed; files that keys name were read again\n")
	}
	for _, part := range []struct {
		label   string
		changes []string
	}{{"changed", r.AtOnce}, {"changed for new connections", r.ForNew}, {"not changed, needs a restart", r.NeedRestart}, {"not used", r.BadFiles}} {
		for _, c := range part.changes {
			b.WriteString(part.label + ": " + c + "\n")
		}
	}
	return b.String()
}

// Reload reads the configuration again and applies it. After an error nothing has changed, except for one that begins
// with BUG. What was done is logged as well; as a warning, when a part of what the configuration says is not in effect.
// A drain that begins meanwhile ends it, with errDraining: that is not a failure.
func (s *Server) Reload() (*Reloaded, error) {
	begun := time.Now()
	result, err := s.reload()
	switch {
	case errors.Is(err, errDraining):
		s.log.Info("reload refused", "reason", causeOf(err.Error()))
		return nil, err
	case err != nil:
		s.reloads.note(err)
		for _, line := range strings.Split(err.Error(), "\n") {
			s.log.Error("cannot reload, nothing has changed", "reason", causeOf(line))
		}
		return nil, err
	}
	s.reloads.note(nil)
	level := slog.LevelInfo
	if len(result.NeedRestart)+len(result.BadFiles) > 0 { // the proxy does not do all that the file says
		level = slog.LevelWarn
	}
	s.log.Log(context.Background(), level, "reloaded", "changed", result.AtOnce, "changed_for_new_connections", result.ForNew,
		"needs_restart", result.NeedRestart, "not_used", result.BadFiles, "after_seconds", seconds(time.Since(begun)))
	return result, nil
}

// causeOf is an error without what the log's message says already.
func causeOf(err string) string { return strings.TrimPrefix(err, admin.ErrNotNow.Error()+": ") }

// reload holds no lock while it reads files.
func (s *Server) reload() (*Reloaded, error) {
	if s.load == nil {
		return nil, errNoSource
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-s.draining:
	}
	if s.isDraining() {
		return nil, errDraining
	}
	defer s.notifyReloading()()
	s.certificates.look()
	next, err := s.load()
	switch {
	case s.isDraining():
		return nil, errDraining
	case err != nil:
		return nil, err
	}
	result := sortChanges(config.Diff(s.config(), next), s.level != nil)
	if len(result.NeedRestart) > 0 { // what stays must fit what changes
		if err := config.Validate(next); err != nil {
			return nil, err
		}
	}
	p, err := s.prepare(next)
	if err != nil {
		return nil, err
	}
	result.BadFiles = s.certificates.bad()
	saved, err := s.apply(p)
	if err != nil {
		return nil, err
	}
	_ = saved() // it is in the log; what was read is in effect
	return result, nil
}

// reloadOnHangup carries out what signals ask for. A result is in the log.
func (s *Server) reloadOnHangup() {
	for {
		select {
		case <-s.ended:
			return
		case <-s.hangup:
			s.Reload()
		}
	}
}

// beginDraining ends the time of reloads; it may be called again.
func (s *Server) beginDraining() {
	s.applying.Lock()
	defer s.applying.Unlock()
	if !s.isDraining() {
		close(s.draining)
	}
}

func (s *Server) isDraining() bool {
	select {
	case <-s.draining:
		return true
	default:
		return false
	}
}

// describe registers the metrics of reloads. The start counts as the first success.
func (r *reloads) describe(set *metrics.Set, started time.Time) {
	r.succeeded = set.NewCounter(`rocketmq_proxy_reloads_total{result="success"}`)
	r.failures = set.NewCounter(`rocketmq_proxy_reloads_total{result="failure"}`)
	r.lastSuccess = set.NewGauge("rocketmq_proxy_config_last_reload_success_timestamp_seconds", nil)
	r.lastOK = set.NewGauge("rocketmq_proxy_config_last_reload_successful", nil)
	r.lastSuccess.Set(float64(started.Unix()))
	r.lastOK.Set(1)
}

func (r *reloads) note(err error) {
	if err != nil {
		r.failures.Inc()
		r.lastOK.Set(0)
		return
	}
	r.succeeded.Inc()
	r.lastSuccess.Set(float64(time.Now().Unix()))
	r.lastOK.Set(1)
}
