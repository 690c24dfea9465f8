package embedded

import (
	"context"
	"sync"
)

// signal wakes those who wait for something to become true. The zero value is ready.
type signal struct {
	mu sync.Mutex
	ch chan struct{} // nil: nobody waits
}

// notify makes everyone who waits look again.
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
