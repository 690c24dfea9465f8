package server

import (
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// saveTimeout is how long is waited for a file to be written: state_dir may be on a network file system.
	saveTimeout = time.Second
	// saveAgainAfter is how long a file that could not be written rests, such as for a full disk.
	saveAgainAfter = 10 * time.Second
)

var errSaveSlow = errors.New("the file system does not answer; the file is written as soon as it does")

// stateKeeper writes one file in state_dir on a goroutine of its own, so that a file system that does not answer holds
// nothing else up. What cannot be written is tried again until it can: otherwise it would be lost at a restart, though the
// disk has long had room again.
type stateKeeper struct {
	file string
	log  *slog.Logger
	mu   sync.Mutex
	next *saving       // what is to be written next; nil: nothing
	wake chan struct{} // holds one
	stop chan struct{}
	done chan struct{}
}

// saving is one try to write the file.
type saving struct {
	write func() error
	tried chan struct{} // closed when err is known
	err   error
}

func newStateKeeper(file string, log *slog.Logger) *stateKeeper {
	k := &stateKeeper{file: file, log: log, wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	go k.run()
	return k
}

// keep has write called, which replaces the file as a whole, and returns at once. What an earlier call gave and is not
// being written yet is not needed. saved waits for the first try, for saveTimeout at most; after an error the file is
// written later.
func (k *stateKeeper) keep(write func() error) (saved func() error) {
	k.mu.Lock()
	if k.next == nil {
		k.next = &saving{tried: make(chan struct{})}
	}
	s := k.next
	s.write = write
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
	return func() error {
		select {
		case <-s.tried:
			return s.err
		case <-time.After(saveTimeout):
			return errSaveSlow
		case <-k.done:
		}
		select {
		case <-s.tried: // at the end
			return s.err
		default:
			return errors.New("the proxy has ended")
		}
	}
}

func (k *stateKeeper) take() *saving {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.next
	k.next = nil
	return s
}

func (k *stateKeeper) run() {
	defer close(k.done)
	var unsaved func() error
	var again <-chan time.Time
	for {
		ended := false
		select {
		case <-k.wake:
		case <-again:
		case <-k.stop:
			ended = true
		}
		err := k.try(&unsaved)
		switch {
		case ended:
			return
		case err != nil:
			again = time.After(saveAgainAfter)
			continue
		case again != nil:
			k.log.Info("state saved", "file", k.file)
		}
		again = nil
	}
}

// try writes what was given last, or what could not be written before.
func (k *stateKeeper) try(unsaved *func() error) error {
	s := k.take()
	switch {
	case s != nil:
		*unsaved = s.write
	case *unsaved == nil:
		return nil
	default:
		s = &saving{tried: make(chan struct{})} // its caller knows already that the first try has failed
	}
	if s.err = (*unsaved)(); s.err == nil {
		*unsaved = nil
	}
	close(s.tried)
	return s.err
}

// closeAll ends keepers; writes that wait for a file system do not hold the end of the process up.
func closeAll(keepers ...*stateKeeper) {
	for _, k := range keepers {
		close(k.stop)
	}
	late := time.After(saveTimeout)
	for _, k := range keepers {
		select {
		case <-k.done:
		case <-late:
			return
		}
	}
}

// stateKeepers are those of all files that there have been. A listener that comes back finds that of its port table.
type stateKeepers struct {
	mu    sync.Mutex
	all   map[string]*stateKeeper
	ended bool
}

func (ks *stateKeepers) of(file string, log *slog.Logger) *stateKeeper {
	ks.mu.Lock()
	defer ks.mu.Unlock()
	k := ks.all[file]
	if k != nil {
		return k
	}
	k = newStateKeeper(file, log)
	if ks.ended { // a reload that a drain has overtaken asks
		closeAll(k)
		return k
	}
	if ks.all == nil {
		ks.all = map[string]*stateKeeper{}
	}
	ks.all[file] = k
	return k
}

// close is for the end, when no listener is left.
func (ks *stateKeepers) close() {
	ks.mu.Lock()
	defer ks.mu.Unlock()
	ks.ended = true
	closeAll(slices.Collect(maps.Values(ks.all))...)
}
