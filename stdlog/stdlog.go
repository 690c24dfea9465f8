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
)

// longestKept bounds what is kept until Redirect is called, in bytes.
const longestKept = 16 << 10

func init() {
	log.SetFlags(0)
	log.SetOutput(&early)
}

var early keeper

// keeper keeps lines until there is somebody to tell them.
type keeper struct {
	mu   sync.Mutex
	kept bytes.Buffer
	tell func(line string) // nil: nobody
}

// Write is given one line at a time.
func (k *keeper) Write(line []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.tell != nil:
		k.tell(string(bytes.TrimSpace(line)))
	case k.kept.Len()+len(line) <= longestKept:
		k.kept.Write(line)
	}
	return len(line), nil
}

// Redirect has tell called for each line from now on, and for those before; with nil they are kept again. tell must not
// print with the package log.
func Redirect(tell func(line string)) {
	early.mu.Lock()
	defer early.mu.Unlock()
	early.tell = tell
	for tell != nil {
		line, err := early.kept.ReadBytes('\n')
		if err != nil && len(line) == 0 { // the end
			return
		}
		tell(string(bytes.TrimSpace(line)))
	}
}
