package messages

import (
	"sync/atomic"
	"time"
)

// Pause is whether the brokers of one name are paused (/api/v1/pause), and how many requests wait for that to end. It
// outlives all actors, and everybody may read and write it. A nil one, that of name servers, is never on.
type Pause struct {
	// Timeout is how long a request waits (cluster.park_timeout), in nanoseconds. A cluster has one for all its brokers.
	Timeout *atomic.Int64
	// Parked is how many requests wait.
	Parked atomic.Int64
	since  atomic.Int64 // nanoseconds of the Unix time; 0: it is off
}

// On reports whether nothing may be sent to the broker.
func (p *Pause) On() bool { return p != nil && p.since.Load() != 0 }

// Since is when it began; zero: it is off.
func (p *Pause) Since() time.Time {
	if at := p.since.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}

// Begin begins a pause, unless there is one, and reports whether it did.
func (p *Pause) Begin(at time.Time) bool { return p.since.CompareAndSwap(0, at.UnixNano()) }

// End ends the pause and reports whether there was one.
func (p *Pause) End() bool { return p.since.Swap(0) != 0 }

// Patience is how long a request waits.
func (p *Pause) Patience() time.Duration { return time.Duration(p.Timeout.Load()) }
