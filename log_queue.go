package main

import (
	"bytes"
	"io"
	"sync/atomic"
	"time"
)

const (
	// logQueueLines is how many lines may wait for standard error: some hundred KiB.
	logQueueLines = 1024
	// logFlushTimeout is how long the end of the process waits until they are written.
	logFlushTimeout = time.Second
)

// logQueue writes the lines of a log on a goroutine of its own. Standard error may be a pipe, and whoever reads it may
// stand still, or a file on a disk that is full: then lines are lost and counted, and clients do not wait.
type logQueue struct {
	out   io.Writer
	lines chan []byte // nil is the last one
	lost  atomic.Int64
	tell  func(lost int64) // logs to direct how many lines are missing; called by run
	done  chan struct{}    // closed when run has ended

	torn bool // the last write has left a part of a line; run's own
}

func newLogQueue(out io.Writer) *logQueue {
	return &logQueue{out: out, lines: make(chan []byte, logQueueLines), done: make(chan struct{})}
}

// Write takes a copy of a line, or drops it. It never waits and never fails.
func (q *logQueue) Write(line []byte) (int, error) {
	select {
	case q.lines <- bytes.Clone(line):
	default:
		q.lost.Add(1)
	}
	return len(line), nil
}

func (q *logQueue) run() {
	defer close(q.done)
	for line := range q.lines {
		if lost := q.lost.Swap(0); lost > 0 {
			q.tell(lost)
			if q.lost.Load() > 0 { // that could not be written either
				q.lost.Add(lost - 1)
			}
		}
		if line == nil {
			return
		}
		q.put(line)
	}
}

// put writes a line, or counts it as lost.
func (q *logQueue) put(line []byte) {
	if q.torn {
		line = append([]byte{'\n'}, line...)
	}
	n, err := q.out.Write(line)
	if err != nil {
		q.lost.Add(1)
	}
	q.torn = err != nil && (q.torn || n > 0)
}

// direct writes at once what run has to say itself.
type direct struct{ q *logQueue }

// Write is part of io.Writer.
func (d direct) Write(line []byte) (int, error) {
	d.q.put(line)
	return len(line), nil
}

// flush ends the queue when all lines are written, or after a while. Later lines are lost.
func (q *logQueue) flush() {
	late := time.After(logFlushTimeout)
	select {
	case q.lines <- nil:
	case <-late:
		return
	}
	select {
	case <-q.done:
	case <-late:
	}
}
