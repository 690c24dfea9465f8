package system

import (
	"sync"
	"time"
)

// after sends msg to an actor later. It returns what takes that back.
func After(d time.Duration, s Sink, msg any) (cancel func()) {
	t := time.AfterFunc(d, func() { s.Deliver(msg) })
	return func() { t.Stop() }
}

// every sends msg to an actor again and again.
func Every(d time.Duration, s Sink, msg any) (cancel func()) {
	var t *time.Timer
	var mu sync.Mutex
	stopped := false
	mu.Lock()
	t = time.AfterFunc(d, func() {
		s.Deliver(msg)
		mu.Lock()
		defer mu.Unlock()
		if !stopped {
			t.Reset(d)
		}
	})
	mu.Unlock()
	return func() {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		t.Stop()
	}
}
