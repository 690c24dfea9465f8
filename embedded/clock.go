package embedded

import (
	"slices"
	"sync"
	"time"
)

// Clock is a source of time for a cluster.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f on a goroutine of the clock's choice once d has passed. stop reports whether it prevented the call.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }

// ManualClock is a Clock that moves only when [ManualClock.Advance] is called.
type ManualClock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*manualTimer // by time, then by age
}

type manualTimer struct {
	at time.Time
	f  func()
}

// NewManualClock returns a clock whose time is now until it is advanced.
func NewManualClock(now time.Time) *ManualClock { return &ManualClock{now: now} }

// Now returns the current time of the clock.
func (c *ManualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc sets a timer. [ManualClock.Advance] calls f on the goroutine that advances the clock.
func (c *ManualClock) AfterFunc(d time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &manualTimer{at: c.now.Add(d), f: f}
	i, _ := slices.BinarySearchFunc(c.timers, a, func(x, a *manualTimer) int {
		if x.at.After(a.at) {
			return 1
		}
		return -1
	})
	c.timers = slices.Insert(c.timers, i, a)
	return func() bool { return c.remove(a) }
}

func (c *ManualClock) remove(a *manualTimer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.timers, a)
	if i >= 0 {
		c.timers = slices.Delete(c.timers, i, i+1)
	}
	return i >= 0
}

// Advance moves the clock forward by d and calls what becomes due on the way, in order and each at its own time.
func (c *ManualClock) Advance(d time.Duration) {
	c.mu.Lock()
	end := c.now.Add(d)
	for len(c.timers) > 0 && !c.timers[0].at.After(end) {
		a := c.timers[0]
		c.timers = c.timers[1:]
		if a.at.After(c.now) {
			c.now = a.at
		}
		c.mu.Unlock()
		a.f()
		c.mu.Lock()
	}
	c.now = end
	c.mu.Unlock()
}
