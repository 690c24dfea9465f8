package server

import (
	"fmt"
	"sync"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// refusals counts the connections of a listener that were closed before their first frame, and logs them at a rate
// that no client can raise.
type refusals struct {
	listener string
	server   *Server

	mu      sync.Mutex
	reasons map[string]*silence
}

// silence is what was not logged of one reason.
type silence struct {
	until time.Time
	kept  int
}

// refusalLogEvery is the time between two lines about one reason.
const refusalLogEvery = 10 * time.Second

func refusedMetric(listener, reason string) string {
	return fmt.Sprintf("rocketmq_proxy_refused_total{listener=%q,reason=%q}", listener, reason)
}

// refused is what an entrance calls.
func (r *refusals) refused(m transport.Refusal) {
	r.server.statistics().Set.GetOrCreateCounter(refusedMetric(r.listener, m.Reason)).Inc()
	if more, due := r.due(m.Reason); due {
		r.server.log.Warn("a connection was refused before its first frame", "listener", r.listener, "peer", m.Remote.String(),
			"reason", m.Reason, "error", m.Err, "more that were not logged", more)
	}
}

func (r *refusals) due(reason string) (more int, due bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.reasons[reason]
	if s == nil {
		if r.reasons == nil {
			r.reasons = map[string]*silence{}
		}
		s = &silence{}
		r.reasons[reason] = s
	}
	now := time.Now()
	if now.Before(s.until) {
		s.kept++
		return 0, false
	}
	more = s.kept
	s.until, s.kept = now.Add(refusalLogEvery), 0
	return more, true
}
