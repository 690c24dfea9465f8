package transport

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// tuning is the numbers of a transport that can change while it runs. A connection keeps those that it was made with:
// a frame must not outgrow its limits half-way, and a window that moved would miss the moment to read on.
type tuning struct {
	limits      codec.Limits
	window      int
	dialTimeout time.Duration
}

func newTuning(limits codec.Limits, window int, dialTimeout time.Duration) *tuning {
	if window <= 0 {
		window = 512 << 10
	}
	if dialTimeout <= 0 {
		dialTimeout = 2 * time.Second
	}
	return &tuning{limits, window, dialTimeout}
}

// Tune replaces the numbers for connections and dials from now on; zeros mean the defaults, as in the fields of Net.
func (t *Net) Tune(limits codec.Limits, window int, dialTimeout time.Duration) {
	t.tuned.Store(newTuning(limits, window, dialTimeout))
}

func (t *Net) tuning() *tuning {
	if n := t.tuned.Load(); n != nil {
		return n
	}
	t.tuned.CompareAndSwap(nil, newTuning(t.Limits, t.Window, t.DialTimeout))
	return t.tuned.Load()
}
