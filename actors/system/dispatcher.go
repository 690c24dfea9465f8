package system

import (
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// throughput only makes the library's own mailbox yield; ours takes whole batches.
const throughput = 300

// workers is the dispatcher of supervisors: goroutines that stay, so that a message does not pay for a new stack each
// time. There is always a worker for what is scheduled, so an actor that were to block would not stop the others.
type workers struct {
	mu      sync.Mutex
	idle    []chan func() // last in, first out: the warmest stack next
	stopped bool
}

// idleWorkers is how many workers wait for work for good; those beyond end after a moment.
const idleWorkers = 4

func (w *workers) Throughput() int { return throughput }

func (w *workers) Schedule(fn func()) {
	w.mu.Lock()
	if n := len(w.idle); n > 0 {
		next := w.idle[n-1]
		w.idle = w.idle[:n-1]
		w.mu.Unlock()
		next <- fn
		return
	}
	w.mu.Unlock()
	go w.work(fn)
}

func (w *workers) work(fn func()) {
	inbox := make(chan func(), 1)
	for {
		fn()
		w.mu.Lock()
		if w.stopped || len(w.idle) >= idleWorkers {
			w.mu.Unlock()
			return
		}
		w.idle = append(w.idle, inbox)
		w.mu.Unlock()
		if fn = <-inbox; fn == nil {
			return
		}
	}
}

// Stop ends the idle workers; those at work end when they have done it.
func (w *workers) Stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, inbox := range w.idle {
		close(inbox)
	}
	w.idle, w.stopped = nil, true
}

// OnExecutor runs actors where the events of their socket run: on its event loop, or right where a message comes from.
// What a socket brings goes through connection, request and upstream down to the write without another goroutine.
// A message for an actor that is busy stays in its mailbox, so no sender waits and nothing runs twice. It is only for
// actors that never block.
type OnExecutor struct{ Executor }

// Throughput is part of actor.Dispatcher.
func (OnExecutor) Throughput() int { return throughput }

// Executor runs functions where the events of some sockets run.
type Executor interface{ Schedule(fn func()) }

// Inline is for actors that only their parent talks to: requests.
var Inline actor.Dispatcher = OnExecutor{rightHere{}}

// rightHere runs a function at once.
type rightHere struct{}

func (rightHere) Schedule(fn func()) { fn() }
