package proxytest

import (
	"bytes"
	"slices"
	"strings"
	"sync"
)

// Log keeps what the proxy logs.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write is part of io.Writer.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// Lines returns the lines that contain all parts.
func (l *Log) Lines(parts ...string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(line, p) }) {
			found = append(found, line)
		}
	}
	return found
}

// Has reports that a line contains all parts.
func (l *Log) Has(parts ...string) bool { return len(l.Lines(parts...)) > 0 }

// String is all that has been logged.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Forget drops what was logged so far.
func (l *Log) Forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}

// Tail returns the last n lines.
func (l *Log) Tail(n int) string {
	all := l.Lines()
	return strings.Join(all[max(0, len(all)-n):], "")
}
