package handover

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"syscall"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

const (
	// predecessorTimeout is a few times as long as a proxy needs to take its path back.
	predecessorTimeout = 5 * lookAtPath
	askAgainAfter      = 100 * time.Millisecond
)

// Claim is an address that a listener does not share with another process.
type Claim struct{ Listener, Address string }

// firstTaken is the first address that another process has; nil: none is.
func firstTaken(claims []Claim) *Claim {
	for i := range claims {
		ln, err := net.Listen("tcp", claims[i].Address)
		if err == nil {
			ln.Close()
		}
		if errors.Is(err, syscall.EADDRINUSE) {
			return &claims[i]
		}
	}
	return nil
}

// Inherit asks the proxy that has the path for its listening sockets and its table of ports; with an empty path it
// returns nil. When nothing answers there although a claimed address is taken, the owner of that
// address may be about to answer: it takes the path back when an earlier successor has died (keepPath), or it is ending.
func Inherit(path string, claims []Claim, log *slog.Logger) (*Endpoint, error) {
	if path == "" {
		return nil, nil
	}
	e := &Endpoint{path: path, id: rand.Text(), log: log, listeners: map[string]int{}, tables: map[string]map[route.BrokerID]int{}, conns: map[*conn]bool{}, done: make(chan struct{})}
	waiting := false
	for until := time.Now().Add(predecessorTimeout); ; time.Sleep(askAgainAfter) {
		process, err := e.ask()
		if process != 0 {
			log.Info("listeners inherited", "process", process, "count", len(e.listeners))
			return e, nil
		}
		e.disown()
		if err != nil && !died(err) {
			return nil, err
		}
		c := firstTaken(claims)
		switch {
		case c == nil: // there is no process to succeed
			return e, nil
		case time.Now().After(until):
			return nil, fmt.Errorf("cannot open listener %q on %s: address already in use, and nobody has answered at hand_over = %q for %s; "+
				"end the process that has the address, or give both the same hand_over", c.Listener, c.Address, path, predecessorTimeout)
		case !waiting:
			waiting = true
			log.Warn("listen address in use, retrying", "hand_over", path, "listener", c.Listener, "address", c.Address, "timeout_seconds", predecessorTimeout.Seconds())
		}
	}
}

// ask returns the id of the process that has the path and has given all that is inherited; 0: there is none.
func (e *Endpoint) ask() (process int, err error) {
	c, hi, err := e.dial(context.Background())
	if c == nil {
		return 0, err
	}
	defer c.close()
	if err := c.send(request{}); err != nil {
		return 0, fmt.Errorf("cannot ask the running proxy for its listeners (hand_over = %q): %w", e.path, err)
	}
	for {
		var l listener
		fds, err := c.receive(&l)
		if err != nil {
			return 0, fmt.Errorf("cannot get the listeners of the running proxy (hand_over = %q): %w", e.path, err)
		}
		if l.Address == "" {
			return hi.PID, nil
		}
		if err := e.keep(&l, fds); err != nil {
			return 0, err
		}
	}
}

// died reports that the process that was asked has ended meanwhile.
func died(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func (e *Endpoint) keep(d *listener, fds []int) error {
	if len(fds) != 1 {
		closeAll(fds)
		return fmt.Errorf("cannot inherit %s: %d sockets came with it", d.Address, len(fds))
	}
	e.listeners[d.Address] = fds[0]
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
	if e.tables[d.Listener] == nil {
		e.tables[d.Listener] = map[route.BrokerID]int{}
	}
	e.tables[d.Listener][id] = ap.Port
	return nil
}

// disown drops what was inherited.
func (e *Endpoint) disown() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closeListenersLocked()
	clear(e.tables)
}

// Listener gives an inherited socket away, once; ok is false when there is none for an address.
func (e *Endpoint) Listener(address string) (fd int, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	fd, ok = e.listeners[address]
	delete(e.listeners, address)
	return fd, ok
}

// Ports adds the ports that brokers have at the running proxy to those that were saved.
func (e *Endpoint) Ports(listener string, saved map[route.BrokerID]int) map[route.BrokerID]int {
	all := map[route.BrokerID]int{}
	maps.Copy(all, saved)
	maps.Copy(all, e.tables[listener])
	return all
}
