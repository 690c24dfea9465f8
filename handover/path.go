package handover

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// Endpoint is a proxy's end of a hand-over, in both directions: it inherits from its predecessor, has the path while it
// serves, and finds its successor when it drains. A nil Endpoint stands alone.
type Endpoint struct {
	path string
	id   string // distinguishes this process from others on the same path
	log  *slog.Logger

	mu        sync.Mutex
	listeners map[netip.AddrPort]int // inherited and not opened yet, by place
	tables    map[string]map[route.BrokerID]int
	inherited json.RawMessage        // Kept
	keeps     func() json.RawMessage // what a successor is told (Keep)
	ln        *net.UnixListener
	conns     map[*conn]bool
	closed    bool
	// serving: the path is ours, or cannot be had.
	serving bool
	done    chan struct{} // closed when the path is not to be taken back
	give    sync.Once
}

func (e *Endpoint) letPathGo() { e.give.Do(func() { close(e.done) }) }

// Serve takes the path over. What was inherited and is not wanted is closed: nothing would accept there.
func (e *Endpoint) Serve(p Proxy) {
	if e == nil {
		return
	}
	e.mu.Lock()
	e.closeListenersLocked()
	e.mu.Unlock()
	err := e.takePath(p)
	if err != nil {
		e.offerFailed(err)
	}
	e.mu.Lock()
	e.serving = true
	e.mu.Unlock()
	go e.keepPath(p, err != nil)
}

func (e *Endpoint) offerFailed(err error) {
	e.log.Error("cannot listen at hand_over", "hand_over", e.path, "error", err)
}

func (e *Endpoint) takePath(p Proxy) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	ln, err := listenAt(e.path)
	if err != nil {
		return err
	}
	if e.ln != nil {
		e.ln.Close()
	}
	e.ln = ln
	go acceptAll(ln.AcceptUnix, func(nc *net.UnixConn) { e.begin(p, nc) })
	return nil
}

// lookAtPath is how often a proxy looks whether its path leads to a process.
const lookAtPath = time.Second

// keepPath takes the path back when a successor has died, or the file or its directory was removed: the next successor
// would find no process there, and all ports taken. It goes on as long as the proxy serves; what fails is logged once.
func (e *Endpoint) keepPath(p Proxy, failed bool) {
	look := time.NewTicker(lookAtPath)
	defer look.Stop()
	for {
		select {
		case <-e.done:
			return
		case <-look.C:
		}
		if e.answered() {
			continue
		}
		err := e.takePath(p)
		switch {
		case err == nil:
			e.log.Warn("hand_over did not answer, taken back", "hand_over", e.path)
		case !failed:
			e.offerFailed(err)
		}
		failed = err != nil
	}
}

// answered reports that the path leads to a proxy, or that it cannot be tried. It waits for the hello: connecting also
// succeeds at a socket whose process no longer accepts. A process that stands still keeps the path.
func (e *Endpoint) answered() bool {
	nc, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: e.path, Net: "unix"})
	if err != nil {
		return !unowned(err)
	}
	c := &conn{nc: nc, timeout: messageTimeout}
	defer c.close()
	_, err = c.receive(&hello{})
	return !died(err)
}

// unowned distinguishes a path that leads to no process from one that cannot be tried.
func unowned(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}

// Serving reports that the path was taken over, or cannot be had.
func (e *Endpoint) Serving() bool {
	if e == nil {
		return true
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.serving
}

// CheckPath returns why nothing can listen at path: there is a file that is not a socket, which must not be replaced.
func CheckPath(path string) error {
	if info, err := os.Stat(path); err == nil && info.Mode()&fs.ModeSocket == 0 {
		return fmt.Errorf("%s exists and is not a socket", path)
	}
	return nil
}

// listenAt replaces the socket at path in one step: a process that dials meets the old owner or the new one. Of rivals
// that do so at once the last has the path.
func listenAt(path string) (*net.UnixListener, error) {
	if err := CheckPath(path); err != nil {
		return nil, err
	}
	ln, draft, err := listenAtDraft(path, rand.IntN(drafts))
	if err != nil {
		return nil, err
	}
	ln.SetUnlinkOnClose(false)
	err = os.Chmod(draft, 0o600)
	if err == nil {
		err = os.Rename(draft, path)
	}
	if err != nil {
		ln.Close()
		os.Remove(draft)
		return nil, err
	}
	return ln, nil
}

// drafts is how many names a socket may have until it takes the place of the old one: as many as three characters can
// tell apart (config.longestPath).
const drafts = 36 * 36 * 36

// listenAtDraft listens beside path under a name that no rival uses, the first or one that follows. A process that was
// killed there leaves its own.
func listenAtDraft(path string, first int) (ln *net.UnixListener, draft string, err error) {
	for i := range drafts {
		draft = path + "." + strconv.FormatInt(int64((first+i)%drafts), 36)
		ln, err = net.ListenUnix("unix", &net.UnixAddr{Name: draft, Net: "unix"})
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return ln, draft, err
}

// acceptPause is how long accepting rests after a failure, such as for want of descriptors.
const acceptPause = 100 * time.Millisecond

// acceptAll accepts until the listener is closed. No other error ends it: a path that connects and does not answer
// would make every later start fail.
func acceptAll(accept func() (*net.UnixConn, error), begin func(*net.UnixConn)) {
	for {
		nc, err := accept()
		switch {
		case err == nil:
			begin(nc)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			time.Sleep(acceptPause)
		}
	}
}

// begin serves one process on a goroutine.
func (e *Endpoint) begin(p Proxy, nc *net.UnixConn) {
	c := &conn{nc: nc}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		c.close()
		return
	}
	e.conns[c] = true
	go func() {
		e.serve(p, c)
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.conns, c)
	}()
}

// Close closes the endpoint and its connections. The path stays: it is a successor's, or refuses.
func (e *Endpoint) Close() {
	if e == nil {
		return
	}
	e.letPathGo()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	e.closeListenersLocked()
	if e.ln != nil {
		e.ln.Close()
	}
	for c := range e.conns {
		c.close()
	}
}

func (e *Endpoint) closeListenersLocked() {
	for _, fd := range e.listeners {
		closeFD(fd)
	}
	clear(e.listeners)
}
