package server

import (
	"context"
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
	reloading sync.Mutex // one at a time, and none beside the beginning of a drain; guards push
	load      func() (*config.Config, error)
	level     *slog.LevelVar
	hangup    <-chan struct{}

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
func (s *Server) Reload() (*Reloaded, error) {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	begun := time.Now()
	defer s.notifyReloading()()
	s.certificates.look()
	result, err := s.reload()
	s.reloads.note(err)
	if err != nil {
		for _, line := range strings.Split(err.Error(), "\n") {
			s.log.Error("cannot reload, nothing has changed", "reason", line)
		}
		return nil, err
	}
	level := slog.LevelInfo
	if len(result.NeedRestart)+len(result.BadFiles) > 0 { // the proxy does not do all that the file says
		level = slog.LevelWarn
	}
	s.log.Log(context.Background(), level, "reloaded", "changed", result.AtOnce, "changed_for_new_connections", result.ForNew,
		"needs_restart", result.NeedRestart, "not_used", result.BadFiles, "after_seconds", seconds(time.Since(begun)))
	return result, nil
}

func (s *Server) reload() (*Reloaded, error) {
	if s.load == nil {
		return nil, errNoSource
	}
	select {
	case <-s.draining:
		return nil, errDraining
	default:
	}
	next, err := s.load()
	if err != nil {
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
	return result, s.apply(p)
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
	s.reloading.Lock()
	defer s.reloading.Unlock()
	select {
	case <-s.draining:
	default:
		close(s.draining)
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
