package system

import (
	"sync"
	"time"
)

// warnEvery is how often something that goes on is logged.
const WarnEvery = 10 * time.Second

// ration bounds log lines of one kind, which strangers can bring about as often as they like: so many in warnEvery, of
// all connections together. What is left out is told by the first line after that; metrics count all.
type Sampler struct {
	mu      sync.Mutex
	begun   int64 // of the present interval, on the process clock
	lines   int   // in it
	leftOut int
}

// rationed is how many lines of a kind there may be in warnEvery.
const rationed = 50

// more returns attrs for a line, with the number of those left out before if there are any; ok is false when the line
// is to be left out.
func (r *Sampler) More(now int64, attrs []any) (all []any, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now-r.begun >= int64(WarnEvery) {
		r.begun, r.lines = now, 0
	}
	if r.lines++; r.lines > rationed {
		r.leftOut++
		return nil, false
	}
	if r.leftOut > 0 {
		attrs = append(attrs, "more that were not logged", r.leftOut)
		r.leftOut = 0
	}
	return attrs, true
}

// seldom lets one line through in warnEvery. The zero value has let none through yet; the process clock never shows 0.
type Seldom int64

func (s *Seldom) Due(now int64) bool {
	if *s != 0 && now-int64(*s) < int64(WarnEvery) {
		return false
	}
	*s = Seldom(now)
	return true
}
