package system

import (
	"sync"
	"time"
)

// SampleInterval is the time in which a [Sampler] counts its lines.
const SampleInterval = 10 * time.Second

// Sampler bounds log lines of one kind that clients can cause as often as they like: so many in an interval,
// which begins with its first line. The next line after that says how many were suppressed; metrics count all. It may be
// used by several actors. The zero value allows one line.
type Sampler struct {
	Lines int // in an interval; 0: 1

	mu         sync.Mutex
	begun      int64 // of the present interval, on the process clock
	lines      int   // in it; 0: none has begun
	suppressed int   // since the last line
}

// Allow returns what a line is to say, facts and how many were suppressed before it if there are any. ok is false when the
// line itself is suppressed.
func (s *Sampler) Allow(now int64, facts ...any) (line []any, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lines == 0 || s.over(now) {
		s.begun, s.lines = now, 0
	}
	if s.lines >= max(s.Lines, 1) {
		s.suppressed++
		return nil, false
	}
	s.lines++
	return s.tell(facts), true
}

// Late is Allow for a line that was suppressed: when no line comes after it, its number would never be
// logged. It is to be called now and then.
func (s *Sampler) Late(now int64, facts ...any) (line []any, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.suppressed == 0 || !s.over(now) {
		return nil, false
	}
	s.suppressed-- // the line is one of them
	s.begun, s.lines = now, 1
	return s.tell(facts), true
}

func (s *Sampler) over(now int64) bool { return now-s.begun >= int64(SampleInterval) }

func (s *Sampler) tell(facts []any) []any {
	if s.suppressed > 0 {
		facts = append(facts, "suppressed", s.suppressed)
		s.suppressed = 0
	}
	return facts
}
