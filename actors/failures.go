package actors

import (
	"fmt"
	"sync"
	"time"
)

// Failures remembers what supervisors had to handle, for /actors and the metrics. It outlives every actor.
type Failures struct {
	OnFailure func(kind string) // counts; may be nil
	mu        sync.Mutex
	byActor   map[string]*Failure
}

// Failure is what is known of one actor's panics.
type Failure struct {
	Count int
	Last  string
	At    time.Time
}

// maxFailures bounds the memory: connections come and go, and the latest failures are the interesting ones.
const maxFailures = 10_000

func (f *Failures) add(id, kind string, reason any) {
	if f.OnFailure != nil {
		f.OnFailure(kind)
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
	e.Last, e.At = fmt.Sprint(reason), time.Now()
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
