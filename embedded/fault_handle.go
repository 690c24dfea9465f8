package embedded

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// FaultHandle is a fault in force.
type FaultHandle struct {
	list  *faultList
	code  int32
	fault Fault
	hits  int
	held  []func()
	over  bool // removed: nobody releases what would be held from now on
}

// faultList is a server's faults, in the order in which they were set.
type faultList struct {
	mu      sync.Mutex
	active  []*FaultHandle
	waiting signal
}

// Fault sets a fault for requests of one code ([AnyCode]: of every code).
func (s *server) Fault(code int32, f Fault) *FaultHandle {
	l := &s.faults
	l.mu.Lock()
	defer l.mu.Unlock()
	h := &FaultHandle{list: l, code: code, fault: f}
	l.active = append(l.active, h)
	return h
}

// RemoveFaults removes all faults of the server and lets go what they hold.
func (s *server) RemoveFaults() {
	s.faults.mu.Lock()
	all := slices.Clone(s.faults.active)
	s.faults.mu.Unlock()
	for _, h := range all {
		h.Remove()
	}
}

// strike finds the fault that a request meets and counts the hit.
func (l *faultList) strike(cmd *codec.Command) *FaultHandle {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, h := range l.active {
		if h.code != AnyCode && h.code != cmd.Code || h.fault.when != nil && !h.fault.when(cmd) {
			continue
		}
		h.hits++
		if h.hits == h.fault.times {
			l.active = slices.Delete(l.active, i, i+1)
		}
		l.waiting.notify()
		return h
	}
	return nil
}

func (h *FaultHandle) before(r *request) bool {
	return h.fault.before != nil && h.fault.before(h, r)
}

func (h *FaultHandle) after(r *request, answer *codec.Command) bool {
	return h.fault.after != nil && h.fault.after(h, r, answer)
}

// hold keeps an answer until it is released. The answer to a request that the fault has struck may be made after the
// fault was removed, such as that to a long poll: then it is sent at once.
func (h *FaultHandle) hold(send func()) {
	h.list.mu.Lock()
	over := h.over
	if !over {
		h.held = append(h.held, send)
	}
	h.list.mu.Unlock()
	if over {
		send()
		return
	}
	h.list.waiting.notify()
}

// Hits is how many requests the fault has struck.
func (h *FaultHandle) Hits() int {
	h.list.mu.Lock()
	defer h.list.mu.Unlock()
	return h.hits
}

// Held is how many answers the fault holds.
func (h *FaultHandle) Held() int {
	h.list.mu.Lock()
	defer h.list.mu.Unlock()
	return len(h.held)
}

// WaitHits waits until the fault has struck n requests.
func (h *FaultHandle) WaitHits(ctx context.Context, n int) error {
	if err := h.list.waiting.wait(ctx, func() bool { return h.Hits() >= n }); err != nil {
		return fmt.Errorf("the fault for %s struck %d of %d requests: %w", codec.RequestCodeName(h.code), h.Hits(), n, err)
	}
	return nil
}

// WaitHeld waits until the fault holds n answers.
func (h *FaultHandle) WaitHeld(ctx context.Context, n int) error {
	if err := h.list.waiting.wait(ctx, func() bool { return h.Held() >= n }); err != nil {
		return fmt.Errorf("the fault for %s holds %d of %d answers: %w", codec.RequestCodeName(h.code), h.Held(), n, err)
	}
	return nil
}

// Release sends the answers that are held. The fault stays in force.
func (h *FaultHandle) Release() {
	h.list.mu.Lock()
	held := h.held
	h.held = nil
	h.list.mu.Unlock()
	for _, send := range held {
		send()
	}
}

// Remove ends the fault and sends the answers that are held. Answers that are made later are not held.
func (h *FaultHandle) Remove() {
	h.list.mu.Lock()
	h.over = true
	if i := slices.Index(h.list.active, h); i >= 0 {
		h.list.active = slices.Delete(h.list.active, i, i+1)
	}
	h.list.mu.Unlock()
	h.Release()
}
