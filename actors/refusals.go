package actors

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"

	"github.com/VictoriaMetrics/metrics"

	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Why a client was refused or cut off: the last part of the setting's name, so that whoever reads a metric or a log
// line knows what to change. Before the first frame it is one of transport.RejectionReasons.
const (
	overListener   = "connections_per_listener"
	overAddress    = "connections_per_address"
	lateFirstByte  = "first_byte"
	lateHeader     = "header"
	lateWriteStall = "write_stall"
	lateIdle       = "idle"
	lateUpstream   = "upstream_write_stall" // a broker; its clients stay
)

var refusalReasons = append([]string{overListener, overAddress, lateFirstByte, lateHeader, lateWriteStall, lateIdle, lateUpstream},
	transport.RejectionReasons...)

// refusals counts each client that a handshake, a limit or a time-out refuses, and logs one line for each listener and reason in
// warnEvery, with the number of those that it leaves out. It outlives every actor and may be called by all.
type refusals struct {
	log *slog.Logger
	set *metrics.Set

	mu    sync.Mutex
	lines map[refusal]*refusalLine
}

type refusal struct{ listener, reason string }

// refusalLine is what was logged of one refusal.
type refusalLine struct {
	at       int64 // the last line
	leftOut  int   // since then
	lastPeer netip.AddrPort
	lastErr  error // of a handshake
}

func newRefusals(log *slog.Logger) *refusals {
	return &refusals{log: log, set: metrics.NewSet(), lines: map[refusal]*refusalLine{}}
}

func (r *refusals) counter(name, labels string) *metrics.Counter {
	return r.set.GetOrCreateCounter("rocketmq_proxy_" + name + "{" + labels + "}")
}

// begin makes a listener's counters stand at 0 before anything happens.
func (r *refusals) begin(listener string) {
	for _, reason := range refusalReasons {
		r.counter("refused_total", fmt.Sprintf("listener=%q,reason=%q", listener, reason))
	}
	r.counter("accept_failures_total", fmt.Sprintf("listener=%q", listener))
	r.full(listener, false)
}

// acceptFailed counts connections that the system did not give us.
func (r *refusals) acceptFailed(listener string) {
	r.counter("accept_failures_total", fmt.Sprintf("listener=%q", listener)).Inc()
}

// full shows whether a listener refuses everybody.
func (r *refusals) full(listener string, is bool) {
	value := 0.0
	if is {
		value = 1
	}
	r.set.GetOrCreateGauge(fmt.Sprintf("rocketmq_proxy_listener_full{listener=%q}", listener), nil).Set(value)
}

// Refused is what the handshake of a listener tells of connections that it closes.
func (e *Env) Refused(listener string) func(transport.Rejection) {
	return func(m transport.Rejection) { e.refusals.note(refusal{listener, m.Reason}, m.Remote, m.Err, e.now()) }
}

// add counts one that a limit or a time-out refuses.
func (r *refusals) add(listener, reason string, peer netip.AddrPort, now int64) {
	r.note(refusal{listener, reason}, peer, nil, now)
}

func (r *refusals) note(key refusal, peer netip.AddrPort, err error, now int64) {
	r.counter("refused_total", fmt.Sprintf("listener=%q,reason=%q", key.listener, key.reason)).Inc()
	r.mu.Lock()
	defer r.mu.Unlock()
	line := r.lines[key]
	if line == nil {
		line = &refusalLine{at: now - int64(warnEvery)}
		r.lines[key] = line
	}
	line.lastPeer, line.lastErr = peer, err
	if now-line.at < int64(warnEvery) {
		line.leftOut++
		return
	}
	r.tell(key, line, now)
}

// late logs what was left out and would be told by no other line.
func (r *refusals) late(listener string, now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, line := range r.lines {
		if key.listener == listener && line.leftOut > 0 && now-line.at >= int64(warnEvery) {
			line.leftOut-- // the line itself is one of them
			r.tell(key, line, now)
		}
	}
}

func (r *refusals) tell(key refusal, line *refusalLine, now int64) {
	if slices.Contains(transport.RejectionReasons, key.reason) {
		r.log.Warn("a connection was refused before its first frame", "listener", key.listener, "peer", line.lastPeer.String(),
			"reason", key.reason, "error", line.lastErr, "more that were not logged", line.leftOut)
	} else {
		r.tellSetting(key, line)
	}
	line.at, line.leftOut = now, 0
}

// tellSetting tells of a limit or a time-out.
func (r *refusals) tellSetting(key refusal, line *refusalLine) {
	what, level := "a client is cut off", slog.LevelWarn
	setting := "timeouts." + key.reason
	switch key.reason {
	case overListener, overAddress:
		what, setting = "clients are refused", "limits."+key.reason
	case lateIdle:
		level = slog.LevelInfo // as brokers do; nothing is wrong
	case lateUpstream:
		what, setting = "a broker takes nothing; its connection is closed", "timeouts.write_stall"
	}
	r.log.Log(context.Background(), level, what, "listener", key.listener, "setting", setting, "peer", line.lastPeer.String(), "more since the last such line", line.leftOut)
}
