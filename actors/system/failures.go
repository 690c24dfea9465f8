package system

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// Failures remembers what supervisors had to handle, for /actors and the metrics. It outlives every actor.
type Failures struct {
	OnFailure func(kind string) // counts; may be nil
	mu        sync.Mutex
	byActor   map[string]*Failure
	recent    []FailureEvent // the oldest first
}

// Failure is what is known of one actor's panics.
type Failure struct {
	Count int       // panics
	Last  string    // what the last one said
	At    time.Time // of the last one
}

// FailureEvent is one panic, or the escalation of too many of them. The actor may be gone.
type FailureEvent struct {
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Kind   string    `json:"kind"`
	Count  int       `json:"count"`  // of this actor so far
	Reason string    `json:"reason"` // what the panic said, at most 500 bytes
	Did    string    `json:"did"`    // what its supervisor did about it
}

const (
	// maxFailures bounds the memory: connections come and go, and the latest failures are the interesting ones.
	maxFailures = 10_000
	// maxRecent is how many are kept when their actors are gone.
	maxRecent = 100
	// maxReason bounds what a panic may say in bytes; the log has all of it.
	maxReason = 500
)

func (f *Failures) add(id, kind string, reason any, did string) {
	if f.OnFailure != nil {
		f.OnFailure(kind)
	}
	why := fmt.Sprint(reason)
	if len(why) > maxReason {
		why = why[:maxReason] + "…"
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byActor == nil || len(f.byActor) >= maxFailures {
		f.byActor = map[string]*Failure{}
	}
	e := f.byActor[id]
	if e == nil {
		e = &Failure{}
		f.byActor[id] = e
	}
	e.Count++
	e.Last, e.At = why, time.Now()
	if len(f.recent) == maxRecent {
		f.recent = slices.Delete(f.recent, 0, 1)
	}
	f.recent = append(f.recent, FailureEvent{At: e.At, Actor: id, Kind: kind, Count: e.Count, Reason: why, Did: did})
}

// Of returns what is known of an actor.
func (f *Failures) Of(id string) Failure {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.byActor[id]; e != nil {
		return *e
	}
	return Failure{}
}

// Recent returns the last failures of all actors, the latest first.
func (f *Failures) Recent() []FailureEvent {
	f.mu.Lock()
	defer f.mu.Unlock()
	latest := slices.Clone(f.recent)
	slices.Reverse(latest)
	return latest
}
