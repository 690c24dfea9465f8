package server

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// heir is this proxy's place in a succession (hand_over). It inherits the listening sockets of the proxy that is there
// when it starts; it takes the path over when it is ready; and whoever has taken the path when it drains is its heir
// in turn. A nil heir stands alone.
type heir struct {
	path string
	id   string // tells ourselves from others on the same path
	log  *slog.Logger

	mu     sync.Mutex
	doors  map[string]int // inherited and not opened yet, by address
	tables map[string]map[route.BrokerID]int
	ln     *net.UnixListener
	lines  map[*line]bool
	closed bool
	// serving: the path is ours, or cannot be had.
	serving bool
	done    chan struct{} // closed when the path is not to be taken back any more
	give    sync.Once
}

// dial connects to whoever has the path; nil when nobody does, or we do.
func (h *heir) dial() (*line, error) {
	nc, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: h.path, Net: "unix"})
	switch {
	case err != nil && nobody(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("cannot reach the proxy at hand_over = %q: %w", h.path, err)
	}
	l := &line{nc: nc, patience: linePatience}
	var hi hello
	if _, err := l.receive(&hi); err != nil {
		l.close()
		return nil, fmt.Errorf("cannot talk to the proxy at hand_over = %q: %w", h.path, err)
	}
	if hi.ID == h.id {
		l.close()
		return nil, nil
	}
	l.pid = hi.PID
	return l, nil
}

func (h *heir) letPathGo() { h.give.Do(func() { close(h.done) }) }

func (h *heir) callSuccessor() (*line, error) {
	if h == nil {
		return nil, nil
	}
	h.letPathGo()
	return h.dial()
}

// serve takes the path over. What was inherited and is not wanted is closed: nobody would accept there.
func (h *heir) serve(s *Server) {
	if h == nil {
		return
	}
	h.mu.Lock()
	h.closeDoorsLocked()
	h.mu.Unlock()
	if err := h.takePath(s); err != nil {
		h.log.Error("cannot offer this proxy's clients to a successor; they will have to connect again (hand_over)", "error", err)
	}
	h.mu.Lock()
	h.serving = true
	h.mu.Unlock()
	go h.keepPath(s)
}

func (h *heir) takePath(s *Server) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil
	}
	ln, err := listenAt(h.path)
	if err != nil {
		return err
	}
	if h.ln != nil {
		h.ln.Close()
	}
	h.ln = ln
	go h.accept(s, ln)
	return nil
}

// lookAtPath is how often a proxy looks whether its path leads to somebody.
const lookAtPath = time.Second

// keepPath takes the path back when a successor has died, or somebody has removed the file: the next one would find
// nobody, and all ports taken.
func (h *heir) keepPath(s *Server) {
	look := time.NewTicker(lookAtPath)
	defer look.Stop()
	for {
		select {
		case <-h.done:
			return
		case <-look.C:
		}
		nc, err := net.Dial("unix", h.path)
		if err == nil {
			nc.Close()
			continue
		}
		if !nobody(err) {
			continue
		}
		if err := h.takePath(s); err != nil {
			h.log.Error("cannot offer this proxy's clients to a successor; they will have to connect again (hand_over)", "error", err)
			return
		}
		h.log.Warn("nobody answered at hand_over; took it back", "hand_over", h.path)
	}
}

// nobody tells that a path leads to nobody from a path that cannot be tried.
func nobody(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}

func (h *heir) served() bool {
	if h == nil {
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.serving
}

// listenAt replaces the socket at path in one step: whoever dials meets the old owner or the new one.
func listenAt(path string) (*net.UnixListener, error) {
	draft := path + ".new"
	os.Remove(draft)
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: draft, Net: "unix"})
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
		return nil, err
	}
	return ln, nil
}

func (h *heir) accept(s *Server, ln *net.UnixListener) {
	for {
		nc, err := ln.AcceptUnix()
		if err != nil {
			return
		}
		l := &line{nc: nc}
		if !h.add(l) {
			l.close()
			return
		}
		go func() {
			s.receive(l)
			h.remove(l)
		}()
	}
}

func (h *heir) add(l *line) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.lines[l] = true
	}
	return !h.closed
}

func (h *heir) remove(l *line) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.lines, l)
}

// close ends it. The path stays: it is a successor's, or refuses.
func (h *heir) close() {
	if h == nil {
		return
	}
	h.letPathGo()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.closeDoorsLocked()
	if h.ln != nil {
		h.ln.Close()
	}
	for l := range h.lines {
		l.close()
	}
}

func (h *heir) closeDoorsLocked() {
	for _, fd := range h.doors {
		closeFD(fd)
	}
	clear(h.doors)
}
