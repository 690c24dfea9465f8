package actors_test

import (
	"bytes"
	"slices"
	"strings"
	"sync"
)

// logBook keeps what the proxy logs.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// lines returns the lines that contain all parts.
func (l *logBook) lines(parts ...string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(line, p) }) {
			found = append(found, line)
		}
	}
	return found
}

// forget drops what was logged so far.
func (l *logBook) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}

func (l *logBook) tail(n int) string {
	all := l.lines()
	return strings.Join(all[max(0, len(all)-n):], "")
}
