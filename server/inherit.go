package server

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"syscall"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

const (
	// predecessorPatience is a few times as long as a proxy needs to take its path back.
	predecessorPatience = 5 * lookAtPath
	askAgainAfter       = 100 * time.Millisecond
)

// claim is an address that a listener is to have without another process (reuse_port).
type claim struct{ listener, address string }

func claims(cfg *config.Config) (all []claim) {
	for i := range cfg.Listeners {
		l := &cfg.Listeners[i]
		if _, port, _ := net.SplitHostPort(l.Address); port != "0" && !l.ReusePort {
			all = append(all, claim{l.Name, l.Address})
		}
	}
	return all
}

// firstTaken is the first address that somebody else has; nil: none is.
func firstTaken(needed []claim) *claim {
	for i := range needed {
		ln, err := net.Listen("tcp", needed[i].address)
		if err == nil {
			ln.Close()
		}
		if errors.Is(err, syscall.EADDRINUSE) {
			return &needed[i]
		}
	}
	return nil
}

// inherit asks the proxy that has the path for its listening sockets and its table of ports. When nobody answers there
// although an address of ours is taken, its owner may be about to: he takes the path back when a successor before us
// has died (keepPath), or he is ending.
func inherit(path string, needed []claim, log *slog.Logger) (*heir, error) {
	if path == "" {
		return nil, nil
	}
	h := &heir{path: path, id: rand.Text(), log: log, doors: map[string]int{}, tables: map[string]map[route.BrokerID]int{}, lines: map[*line]bool{}, done: make(chan struct{})}
	waiting := false
	for until := time.Now().Add(predecessorPatience); ; time.Sleep(askAgainAfter) {
		process, err := h.ask()
		if process != 0 {
			log.Info("sharing the ports of the running proxy until it ends", "process", process, "ports", len(h.doors))
			return h, nil
		}
		h.disown()
		if err != nil && !died(err) {
			return nil, err
		}
		c := firstTaken(needed)
		switch {
		case c == nil: // there is nobody to succeed
			return h, nil
		case time.Now().After(until):
			return nil, fmt.Errorf("cannot open listener %s (listener.address %s): another process has the address, and nobody has answered at hand_over = %q for %s; "+
				"end that process, or give both the same hand_over", c.listener, c.address, path, predecessorPatience)
		case !waiting:
			waiting = true
			log.Warn("nobody answers at hand_over, but an address of ours is taken; waiting for its owner to answer or to end",
				"hand_over", path, "listener", c.listener, "address", c.address, "at most", predecessorPatience)
		}
	}
}

// ask returns the process that has the path and has given all that we inherit; 0: nobody.
func (h *heir) ask() (process int, err error) {
	l, err := h.dial()
	if err != nil || l == nil {
		return 0, err
	}
	defer l.close()
	if err := l.send(request{}); err != nil {
		return 0, fmt.Errorf("cannot ask the running proxy for its ports (hand_over = %q): %w", h.path, err)
	}
	for {
		var d sharedDoor
		fds, err := l.receive(&d)
		if err != nil {
			return 0, fmt.Errorf("cannot get the ports of the running proxy (hand_over = %q): %w", h.path, err)
		}
		if d.Address == "" {
			return l.pid, nil
		}
		if err := h.keep(&d, fds); err != nil {
			return 0, err
		}
	}
}

// died reports that who was asked has ended meanwhile.
func died(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func (h *heir) keep(d *sharedDoor, fds []int) error {
	if len(fds) != 1 {
		closeAll(fds)
		return fmt.Errorf("cannot inherit %s: %d sockets came with it", d.Address, len(fds))
	}
	h.doors[d.Address] = fds[0]
	if d.Broker == "" {
		return nil
	}
	id, err := route.ParseBrokerID(d.Broker)
	if err != nil {
		return fmt.Errorf("cannot inherit %s: %w", d.Address, err)
	}
	ap, err := net.ResolveTCPAddr("tcp", d.Address)
	if err != nil {
		return fmt.Errorf("cannot inherit %s: %w", d.Address, err)
	}
	if h.tables[d.Listener] == nil {
		h.tables[d.Listener] = map[route.BrokerID]int{}
	}
	h.tables[d.Listener][id] = ap.Port
	return nil
}

// disown drops what was inherited.
func (h *heir) disown() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closeDoorsLocked()
	clear(h.tables)
}

// door gives an inherited socket away, once.
func (h *heir) door(address string) (fd int, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fd, ok = h.doors[address]
	delete(h.doors, address)
	return fd, ok
}

// portsOf adds the ports that brokers have at the running proxy to those that were saved.
func (h *heir) portsOf(listener string, saved map[route.BrokerID]int) map[route.BrokerID]int {
	all := map[route.BrokerID]int{}
	maps.Copy(all, saved)
	maps.Copy(all, h.tables[listener])
	return all
}
