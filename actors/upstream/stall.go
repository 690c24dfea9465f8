package upstream

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Stall watches a socket, a look at each tick, for a peer that takes nothing of what is kept for it.
type Stall struct {
	since   int64 // when that was first seen; 0: it is not so
	drained int64 // how much had gone out by then
}

// Exceeded looks again, and reports whether nothing has gone out for as long as timeout. now is on the process clock.
func (s *Stall) Exceeded(f transport.Flow, now int64, timeout time.Duration) bool {
	if f.Kept == 0 {
		*s = Stall{}
		return false
	}
	if s.since == 0 || f.Drained != s.drained {
		s.since, s.drained = now, f.Drained
		return false
	}
	return now-s.since >= int64(timeout)
}

// SlowHeader watches a socket in the same way for a header that does not become whole.
type SlowHeader struct {
	since int64 // when an incomplete one was first seen; 0: there is none
}

// Exceeded looks again, and reports whether one header has been incomplete for as long as timeout. heard is when the last whole header, or more of a body, came: what is incomplete after that is
// another one.
func (h *SlowHeader) Exceeded(f transport.Flow, heard, now int64, timeout time.Duration) bool {
	if f.Partial == 0 {
		h.since = 0
		return false
	}
	if h.since == 0 || heard >= h.since {
		h.since = now
		return false
	}
	return now-h.since >= int64(timeout)
}
