package embedded

import (
	"context"
	"sync"
)

// signal wakes goroutines that wait for a condition. The zero value is ready.
type signal struct {
	mu sync.Mutex
	ch chan struct{} // nil: no goroutine waits
}

// notify has every waiting goroutine check its condition.
func (s *signal) notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}

// wait returns nil once is() is true. is must not hold a lock when notify is called.
func (s *signal) wait(ctx context.Context, is func() bool) error {
	for {
		s.mu.Lock()
		if s.ch == nil {
			s.ch = make(chan struct{})
		}
		ch := s.ch
		s.mu.Unlock()
		if is() {
			return nil
		}
		select {
		case <-ch:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
