package embedded

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// counters are the requests that a server has read, by code.
type counters struct {
	mu     sync.Mutex
	total  int
	byCode map[int32]int
	signal signal
}

func (c *counters) count(code int32) {
	c.mu.Lock()
	if c.byCode == nil {
		c.byCode = make(map[int32]int)
	}
	c.byCode[code]++
	c.total++
	c.mu.Unlock()
	c.changed()
}

// changed wakes the waiters for counts, connections, members and messages.
func (c *counters) changed() { c.signal.notify() }

// Requests is how many requests of a code the server has read, also those that a fault struck; of all codes with
// [AnyCode].
func (s *server) Requests(code int32) int {
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	if code == AnyCode {
		return s.seen.total
	}
	return s.seen.byCode[code]
}

// WaitRequests waits until Requests(code) is at least n.
func (s *server) WaitRequests(ctx context.Context, code int32, n int) error {
	err := s.seen.signal.wait(ctx, func() bool { return s.Requests(code) >= n })
	if err != nil {
		return fmt.Errorf("%s has read %d of %d requests %s: %w", s.Addr(), s.Requests(code), n, codec.RequestCodeName(code), err)
	}
	return nil
}

// WaitConnections waits until exactly n connections are open.
func (s *server) WaitConnections(ctx context.Context, n int) error {
	if err := s.seen.signal.wait(ctx, func() bool { return s.Connections() == n }); err != nil {
		return fmt.Errorf("%s has %d connections instead of %d: %w", s.Addr(), s.Connections(), n, err)
	}
	return nil
}

// OnRequest calls watch with every request that is read from now on, before a fault or a handler sees it, on the
// reading goroutine of its connection. peer is the client's address. watch must not change the command.
func (s *server) OnRequest(watch func(peer string, request *codec.Command)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = append(slices.Clone(s.watch), watch)
}
