package system

import (
	"sync"
	"time"
)

// After sends msg to an actor once d is over. cancel takes that back, unless msg is on its way already.
func After(d time.Duration, s Sink, msg any) (cancel func()) {
	t := time.AfterFunc(d, func() { s.Deliver(msg) })
	return func() { t.Stop() }
}

// Every sends msg to an actor each time d is over, until cancel is called.
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
