package server

import (
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

const (
	// saveTimeout is how long a listener waits for its table to be written: state_dir may be on a network file system.
	saveTimeout = time.Second
	// saveAgainAfter is how long a table that could not be written rests, such as for a full disk.
	saveAgainAfter = 10 * time.Second
)

var errSaveSlow = errors.New("the file system does not answer; the table is written as soon as it does")

// portKeeper writes the port table of a listener, whose revisions share it. What cannot be written is tried again until it
// can: otherwise brokers would get other ports after a restart, though the disk has long had room again.
type portKeeper struct {
	listener string
	log      *slog.Logger
	write    func(map[route.BrokerID]int) error
	latest   chan *tableToSave // the last one that was given, until it is taken
	stop     chan struct{}
	done     chan struct{}
}

type tableToSave struct {
	ports   map[route.BrokerID]int
	written chan error // holds one
}

func newPortKeeper(listener string, log *slog.Logger, write func(map[route.BrokerID]int) error) *portKeeper {
	k := &portKeeper{listener: listener, log: log, write: write, latest: make(chan *tableToSave, 1), stop: make(chan struct{}), done: make(chan struct{})}
	go k.run()
	return k
}

// save is for one goroutine at a time. After an error the table is written later.
func (k *portKeeper) save(ports map[route.BrokerID]int) error {
	t := &tableToSave{ports, make(chan error, 1)}
	select {
	case <-k.latest: // the older one is not needed
	default:
	}
	k.latest <- t
	select {
	case err := <-t.written:
		return err
	case <-time.After(saveTimeout):
		return errSaveSlow
	case <-k.done:
		return errors.New("the proxy has ended")
	}
}

func (k *portKeeper) run() {
	defer close(k.done)
	var unsaved *tableToSave
	var again <-chan time.Time
	for {
		select {
		case unsaved = <-k.latest:
		case <-again:
		case <-k.stop:
			if unsaved != nil { // the last try
				_ = k.write(unsaved.ports)
			}
			return
		}
		err := k.write(unsaved.ports)
		unsaved.written <- err // of the first try; later ones have no caller
		if err != nil {
			unsaved = &tableToSave{unsaved.ports, make(chan error, 1)}
			again = time.After(saveAgainAfter)
			continue
		}
		if again != nil {
			k.log.Info("port table saved", "listener", k.listener)
		}
		unsaved, again = nil, nil
	}
}

// closeAll ends keepers; writes that wait for a file system do not hold the end of the process up.
func closeAll(keepers ...*portKeeper) {
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

// portKeepers are those of all listeners that there have been. A listener that comes back finds its own.
type portKeepers struct {
	mu    sync.Mutex
	all   map[portFile]*portKeeper
	ended bool
}

func (ks *portKeepers) of(listener string, file portFile, log *slog.Logger) *portKeeper {
	ks.mu.Lock()
	defer ks.mu.Unlock()
	k := ks.all[file]
	if k != nil {
		return k
	}
	k = newPortKeeper(listener, log, file.save)
	if ks.ended { // a reload that a drain has overtaken asks
		closeAll(k)
		return k
	}
	if ks.all == nil {
		ks.all = map[portFile]*portKeeper{}
	}
	ks.all[file] = k
	return k
}

// close is for the end, when no listener is left.
func (ks *portKeepers) close() {
	ks.mu.Lock()
	defer ks.mu.Unlock()
	ks.ended = true
	closeAll(slices.Collect(maps.Values(ks.all))...)
}
