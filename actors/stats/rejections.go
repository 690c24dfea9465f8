package stats

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"

	"github.com/VictoriaMetrics/metrics"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/exposition"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Why a client was refused or cut off: the last part of the setting's name, so that whoever reads a metric or a log
// line knows what to change. Before the first frame it is one of transport.RejectionReasons.
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

// refusals counts each client that a handshake, a limit or a time-out refuses, and logs one line for each listener and reason in
// warnEvery, with the number of those that it leaves out. It outlives every actor and may be called by all.
type Rejections struct {
	log *slog.Logger
	Set *metrics.Set

	mu    sync.Mutex
	lines map[rejection]*rejectionLine
}

type rejection struct{ listener, reason string }

// refusalLine is what was logged of one refusal.
type rejectionLine struct {
	at       int64 // the last line
	leftOut  int   // since then
	lastPeer netip.AddrPort
	lastErr  error // of a handshake
}

func NewRejections(log *slog.Logger) *Rejections {
	return &Rejections{log: log, Set: metrics.NewSet(), lines: map[rejection]*rejectionLine{}}
}

func (r *Rejections) counter(name string, labels ...string) *metrics.Counter {
	return r.Set.GetOrCreateCounter(exposition.Name("rocketmq_proxy_"+name, labels...))
}

// begin makes a listener's counters stand at 0 before anything happens.
func (r *Rejections) Begin(listener string) {
	for _, reason := range rejectionReasons {
		r.counter("refused_total", "listener", listener, "reason", reason)
	}
	r.counter("accept_failures_total", "listener", listener)
	r.Full(listener, false)
}

// acceptFailed counts connections that the system did not give us.
func (r *Rejections) AcceptFailed(listener string) {
	r.counter("accept_failures_total", "listener", listener).Inc()
}

// full shows whether a listener refuses everybody.
func (r *Rejections) Full(listener string, is bool) {
	value := 0.0
	if is {
		value = 1
	}
	r.Set.GetOrCreateGauge(exposition.Name("rocketmq_proxy_listener_full", "listener", listener), nil).Set(value)
}

// Handshake counts one that was closed before its first frame.
func (r *Rejections) Handshake(listener string, m transport.Rejection, now int64) {
	r.note(rejection{listener, m.Reason}, m.Remote, m.Err, now)
}

// add counts one that a limit or a time-out refuses.
func (r *Rejections) Add(listener, reason string, peer netip.AddrPort, now int64) {
	r.note(rejection{listener, reason}, peer, nil, now)
}

func (r *Rejections) note(key rejection, peer netip.AddrPort, err error, now int64) {
	r.counter("refused_total", "listener", key.listener, "reason", key.reason).Inc()
	r.mu.Lock()
	defer r.mu.Unlock()
	line := r.lines[key]
	if line == nil {
		line = &rejectionLine{at: now - int64(system.WarnEvery)}
		r.lines[key] = line
	}
	line.lastPeer, line.lastErr = peer, err
	if now-line.at < int64(system.WarnEvery) {
		line.leftOut++
		return
	}
	r.tell(key, line, now)
}

// late logs what was left out and would be told by no other line.
func (r *Rejections) Late(listener string, now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, line := range r.lines {
		if key.listener == listener && line.leftOut > 0 && now-line.at >= int64(system.WarnEvery) {
			line.leftOut-- // the line itself is one of them
			r.tell(key, line, now)
		}
	}
}

func (r *Rejections) tell(key rejection, line *rejectionLine, now int64) {
	if slices.Contains(transport.RejectionReasons, key.reason) {
		r.log.Warn("a connection was refused before its first frame", "listener", key.listener, "peer", line.lastPeer.String(),
			"reason", key.reason, "error", line.lastErr, "more that were not logged", line.leftOut)
	} else {
		r.tellSetting(key, line)
	}
	line.at, line.leftOut = now, 0
}

// tellSetting tells of a limit or a time-out.
func (r *Rejections) tellSetting(key rejection, line *rejectionLine) {
	what, level := "a client is cut off", slog.LevelWarn
	setting := "timeouts." + key.reason
	switch key.reason {
	case OverListener, OverAddress:
		what, setting = "clients are refused", "limits."+key.reason
	case LateIdle:
		level = slog.LevelInfo // as brokers do; nothing is wrong
	case LateUpstream:
		what, setting = "a broker takes nothing; its connection is closed", "timeouts.write_stall"
	}
	r.log.Log(context.Background(), level, what, "listener", key.listener, "setting", setting, "peer", line.lastPeer.String(), "more since the last such line", line.leftOut)
}
