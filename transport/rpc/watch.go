package rpc

import (
	"io"
	"sync"
	"time"
)

// watch ends one direction of a stream that does not go on: a client can keep its flow control window at zero, or stop within a
// message, for as long as it likes.
type watch struct {
	after time.Duration
	end   func(deadline time.Time) error // of http.ResponseController

	mu    sync.Mutex
	timer *time.Timer // nil: it has never begun
	over  bool        // the stream's goroutine has ended, and the stream must not be touched any more
}

// begin has the time begin again.
func (w *watch) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.over:
	case w.timer == nil:
		w.timer = time.AfterFunc(w.after, w.expired)
	default:
		w.timer.Reset(w.after)
	}
}

// rest stops it until it begins again.
func (w *watch) rest() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
	}
}

func (w *watch) expired() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over {
		_ = w.end(time.Unix(1, 0)) // HTTP/2 has deadlines
	}
}

// close is called before the stream's goroutine ends.
func (w *watch) close() {
	w.rest()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
}

// piece is how many bytes a client has to take, or to send, in time.
const piece = 64 << 10

// write writes a message, each piece in time.
func (w *watch) write(to io.Writer, m []byte) error {
	defer w.rest()
	for {
		n := min(len(m), piece)
		w.begin()
		if _, err := to.Write(m[:n]); err != nil {
			return err
		}
		if m = m[n:]; len(m) == 0 {
			return nil
		}
	}
}

func (w *watch) flush(stream interface{ Flush() error }) error {
	defer w.rest()
	w.begin()
	return stream.Flush()
}
