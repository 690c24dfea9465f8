//go:build linux

package load

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// calls is a load of gRPC clients, each with as many goroutines as it may have calls in flight. System calls are not counted.
type calls struct {
	spec      *Spec
	clients   []*sdk
	stop      atomic.Bool
	measuring atomic.Bool
	done      atomic.Int64

	mu   sync.Mutex
	took []time.Duration
	err  error // the first one
}

func (s *Spec) newCalls() (*calls, error) {
	l := &calls{spec: s}
	for i := range s.Connections {
		c, err := s.newSDK(i)
		if err != nil {
			return nil, err
		}
		l.clients = append(l.clients, c)
	}
	return l, nil
}

// idle has each client wait for messages, of which there are none, for as long as it is to settle.
func (l *calls) idle() {
	for _, c := range l.clients {
		go c.receive(c.context()) //nolint:errcheck // it waits, or the candidate lets it come too early
	}
	time.Sleep(l.spec.Settle)
}

// slice loads the candidate, unobserved and then observed, and lets it rest.
func (l *calls) slice(n *session) error {
	var workers sync.WaitGroup
	l.stop.Store(false)
	for _, c := range l.clients {
		for range l.spec.Window {
			workers.Go(func() { l.work(c) })
		}
	}
	time.Sleep(l.spec.Warmup)
	err := l.observe(n)
	l.stop.Store(true)
	workers.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(err, l.err)
}

// observe measures, longer than it is to be measured if nothing has been answered by then.
func (l *calls) observe(n *session) error {
	w, err := n.openWindow()
	if err != nil {
		return err
	}
	before := l.done.Load()
	l.measuring.Store(true)
	for range 20 {
		time.Sleep(l.spec.Measure)
		if l.done.Load() > before {
			break
		}
	}
	l.measuring.Store(false)
	n.outcome.Requests += int(l.done.Load() - before)
	return w.close()
}

// work repeats what the workload is until it is to rest or fails.
func (l *calls) work(c *sdk) {
	step := l.send
	if l.spec.Workload == GRPCReceive {
		step = l.cycle
	}
	for !l.stop.Load() {
		if err := step(c); err != nil {
			l.mu.Lock()
			if l.err == nil {
				l.err = err
			}
			l.mu.Unlock()
			return
		}
	}
}

func (l *calls) send(c *sdk) error {
	return l.count(func() error { return c.send(1) })
}

// cycle sends as many messages as a receive can bring, receives and acknowledges: three calls.
func (l *calls) cycle(c *sdk) error {
	if err := l.count(func() error { return c.send(PopMessages) }); err != nil {
		return err
	}
	var handles []string
	err := l.count(func() (err error) {
		ctx, cancel := context.WithTimeout(c.context(), longPolling+time.Second)
		defer cancel()
		handles, err = c.receive(ctx)
		return err
	})
	if err != nil || len(handles) == 0 {
		return err
	}
	return l.count(func() error { return c.ack(handles) })
}

// count makes a call and counts it and its time.
func (l *calls) count(call func() error) error {
	begin := time.Now()
	err := call()
	if err == nil && l.measuring.Load() {
		l.done.Add(1)
		l.mu.Lock()
		l.took = append(l.took, time.Since(begin))
		l.mu.Unlock()
	}
	return err
}
