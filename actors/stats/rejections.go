package stats

import (
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"

	"github.com/VictoriaMetrics/metrics"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/exposition"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Why a connection was rejected or closed: the last part of the setting's name, so that the metric and the log line say
// what to change. Before the first frame it is one of transport.RejectionReasons.
const (
	OverListener   = "connections_per_listener"
	OverAddress    = "connections_per_address"
	LateFirstByte  = "first_byte"
	LateHeader     = "header"
	LateWriteStall = "write_stall"
	LateIdle       = "idle"
	LateUpstream   = "upstream_write_stall" // a broker; its clients stay
)

var rejectionReasons = append([]string{OverListener, OverAddress, LateFirstByte, LateHeader, LateWriteStall, LateIdle, LateUpstream},
	transport.RejectionReasons...)

// Rejections counts each client that a handshake, a limit or a timeout rejects, and logs one line for each listener and
// reason in [system.SampleInterval]. It outlives every actor, and may be used from any goroutine.
type Rejections struct {
	Set *metrics.Set // where it counts; may be replaced before anything happens

	log   *slog.Logger
	mu    sync.Mutex
	lines map[rejection]*rejectionLine
}

type rejection struct{ listener, reason string }

// rejectionLine is what the log says of one kind of rejection.
type rejectionLine struct {
	sampler system.Sampler
	peer    netip.AddrPort // the last one
	err     error          // of its handshake
}

// NewRejections makes one that logs to log, with a set of its own.
func NewRejections(log *slog.Logger) *Rejections {
	return &Rejections{log: log, Set: metrics.NewSet(), lines: map[rejection]*rejectionLine{}}
}

func (r *Rejections) counter(name string, labels ...string) *metrics.Counter {
	return r.Set.GetOrCreateCounter(exposition.Name("rocketmq_proxy_"+name, labels...))
}

// Begin makes a listener's counters stand at 0 before anything happens.
func (r *Rejections) Begin(listener string) {
	for _, reason := range rejectionReasons {
		r.counter("refused_total", "listener", listener, "reason", reason)
	}
	r.counter("accept_failures_total", "listener", listener)
	r.Full(listener, false)
}

// AcceptFailed counts connections that the system failed to accept.
func (r *Rejections) AcceptFailed(listener string) {
	r.counter("accept_failures_total", "listener", listener).Inc()
}

// Full sets whether all permits of a listener are taken, so that its ports are paused.
func (r *Rejections) Full(listener string, is bool) {
	value := 0.0
	if is {
		value = 1
	}
	r.Set.GetOrCreateGauge(exposition.Name("rocketmq_proxy_listener_full", "listener", listener), nil).Set(value)
}

// Handshake counts a connection that was closed before its first frame. now is on the process clock.
func (r *Rejections) Handshake(listener string, m transport.Rejection, now int64) {
	r.note(rejection{listener, m.Reason}, m.Remote, m.Err, now)
}

// Add counts a connection that a limit or a timeout ends. now is on the process clock.
func (r *Rejections) Add(listener, reason string, peer netip.AddrPort, now int64) {
	r.note(rejection{listener, reason}, peer, nil, now)
}

func (r *Rejections) note(key rejection, peer netip.AddrPort, err error, now int64) {
	r.counter("refused_total", "listener", key.listener, "reason", key.reason).Inc()
	r.mu.Lock()
	defer r.mu.Unlock()
	line := r.lines[key]
	if line == nil {
		line = &rejectionLine{}
		r.lines[key] = line
	}
	line.peer, line.err = peer, err
	if facts, ok := line.sampler.Allow(now, line.facts(key)...); ok {
		r.write(key, facts)
	}
}

// Late logs what was suppressed when no other line will say so. now is on the process clock.
func (r *Rejections) Late(listener string, now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, line := range r.lines {
		if key.listener != listener {
			continue
		}
		if facts, ok := line.sampler.Late(now, line.facts(key)...); ok {
			r.write(key, facts)
		}
	}
}

// Forget drops what is kept for the log of a listener that was removed. Its metrics end with [Forget].
func (r *Rejections) Forget(listener string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.lines, func(key rejection, _ *rejectionLine) bool { return key.listener == listener })
}

func (l *rejectionLine) facts(key rejection) []any {
	peer := "client"
	if key.reason == LateUpstream {
		peer = "upstream"
	}
	facts := []any{"listener", key.listener, peer, l.peer.String(), "reason", key.reason}
	if l.err != nil {
		return append(facts, "error", l.err)
	}
	if setting := settingOf(key.reason); setting != "" {
		facts = append(facts, "setting", setting)
	}
	return facts
}

// settingOf is the setting that a reason is about; "" for handshakes, whose error says it.
func settingOf(reason string) string {
	switch {
	case slices.Contains(transport.RejectionReasons, reason):
		return ""
	case reason == OverListener || reason == OverAddress:
		return "limits." + reason
	case reason == LateUpstream:
		return "timeouts." + LateWriteStall
	}
	return "timeouts." + reason
}

func (r *Rejections) write(key rejection, facts []any) {
	switch {
	case slices.Contains(transport.RejectionReasons, key.reason):
		r.log.Warn("connection rejected before its first frame", facts...)
	case key.reason == OverListener || key.reason == OverAddress:
		r.log.Warn("client connection rejected", facts...)
	case key.reason == LateUpstream:
		r.log.Warn("upstream connection stalled", facts...)
	case key.reason == LateIdle: // as brokers do; nothing is wrong
		r.log.Info("client connection closed by a timeout", facts...)
	default:
		r.log.Warn("client connection closed by a timeout", facts...)
	}
}
