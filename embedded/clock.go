package embedded

import (
	"slices"
	"sync"
	"time"
)

// Clock is the time that a cluster lives by.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f on a goroutine of the clock's choice once d has passed. stop reports whether it came in time.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }

// ManualClock is a Clock that moves only when told.
type ManualClock struct {
	mu     sync.Mutex
	now    time.Time
	alarms []*alarm // by time, then by age
}

type alarm struct {
	at time.Time
	f  func()
}

// NewManualClock makes a clock that stands at now.
func NewManualClock(now time.Time) *ManualClock { return &ManualClock{now: now} }

// Now is where the clock stands.
func (c *ManualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc sets an alarm, which [ManualClock.Advance] runs on its own goroutine.
func (c *ManualClock) AfterFunc(d time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &alarm{at: c.now.Add(d), f: f}
	i, _ := slices.BinarySearchFunc(c.alarms, a, func(x, a *alarm) int {
		if x.at.After(a.at) {
			return 1
		}
		return -1
	})
	c.alarms = slices.Insert(c.alarms, i, a)
	return func() bool { return c.remove(a) }
}

func (c *ManualClock) remove(a *alarm) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.alarms, a)
	if i >= 0 {
		c.alarms = slices.Delete(c.alarms, i, i+1)
	}
	return i >= 0
}

// Advance moves the clock on by d and runs what falls due on the way, in order and each at its own time.
func (c *ManualClock) Advance(d time.Duration) {
	c.mu.Lock()
	end := c.now.Add(d)
	for len(c.alarms) > 0 && !c.alarms[0].at.After(end) {
		a := c.alarms[0]
		c.alarms = c.alarms[1:]
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
