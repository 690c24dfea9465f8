// Package stdlog keeps libraries from writing to standard error by themselves, in a form of their own: some print with
// the package log of the standard library while they are initialized, others whenever they cannot read a file.
//
// It must be initialized before them. Go initializes packages in the order of their import paths, as soon as what they
// import is; this one imports only the standard library and stands before what github.com/VictoriaMetrics/metrics waits
// for. Everything that is said before [Redirect] is kept for it; a program that never calls it does without.
package stdlog

import (
	"bytes"
	"log"
	"sync"
	"time"
)

const (
	// longestKept bounds what is kept until Redirect is called, in bytes.
	longestKept = 16 << 10
	// A library that cannot read a file says so each time that it is asked. One text is told once in an interval, and no
	// more than so many.
	sampleInterval   = 10 * time.Second
	linesPerInterval = 16
)

func init() {
	log.SetFlags(0)
	log.SetOutput(&early)
}

var early keeper

// keeper keeps lines until there is somebody to tell them.
type keeper struct {
	mu   sync.Mutex
	kept bytes.Buffer
	tell func(line string, suppressed int) // nil: nobody

	begun      time.Time       // of the present interval
	told       map[string]bool // texts of it
	suppressed int             // since the last line that was told
}

// Write is given one line at a time.
func (k *keeper) Write(line []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.tell != nil:
		k.sample(string(bytes.TrimSpace(line)))
	case k.kept.Len()+len(line) <= longestKept:
		k.kept.Write(line)
	}
	return len(line), nil
}

// sample tells a line unless it was told in this interval, or too many others were.
func (k *keeper) sample(line string) {
	if now := time.Now(); now.Sub(k.begun) >= sampleInterval {
		k.begun, k.told = now, map[string]bool{}
	}
	if k.told[line] || len(k.told) >= linesPerInterval {
		k.suppressed++
		return
	}
	k.told[line] = true
	k.tell(line, k.suppressed)
	k.suppressed = 0
}

// Redirect has tell called for each line from now on, and for those before; with nil they are kept again. Of lines that
// come again and again some are left out, and tell gets their number with the next one. tell must not print with the
// package log.
func Redirect(tell func(line string, suppressed int)) {
	early.mu.Lock()
	defer early.mu.Unlock()
	early.tell = tell
	for tell != nil {
		line, err := early.kept.ReadBytes('\n')
		if err != nil && len(line) == 0 { // the end
			return
		}
		tell(string(bytes.TrimSpace(line)), 0)
	}
}
