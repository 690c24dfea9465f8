package handover

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/netip"
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
	e := &Endpoint{path: path, id: rand.Text(), log: log, listeners: map[netip.AddrPort]int{}, tables: map[string]map[route.BrokerID]int{}, conns: map[*conn]bool{}, done: make(chan struct{})}
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
		switch {
		case l.Address == "" && l.Error != "":
			return 0, fmt.Errorf("cannot get all listeners of the running proxy (hand_over = %q): %s", e.path, l.Error)
		case l.Address == "":
			e.inherited = l.Kept
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

// keep notes an inherited socket. Its place is what it is bound to: two configurations may spell one address differently.
func (e *Endpoint) keep(d *listener, fds []int) error {
	if len(fds) != 1 {
		closeAll(fds)
		return fmt.Errorf("cannot inherit %s: %d sockets came with it", d.Address, len(fds))
	}
	at, err := tcpListener(fds[0])
	if err == nil && at.Port() == 0 { // it is being paused this moment
		var named *net.TCPAddr
		if named, err = net.ResolveTCPAddr("tcp", d.Address); err == nil {
			at = named.AddrPort()
		}
	}
	if err != nil {
		closeAll(fds)
		return fmt.Errorf("cannot inherit %s: %w", d.Address, err)
	}
	if old, twice := e.listeners[place(at)]; twice {
		closeFD(old)
	}
	e.listeners[place(at)] = fds[0]
	if d.Broker == "" {
		return nil
	}
	id, err := route.ParseBrokerID(d.Broker)
	if err != nil {
		return fmt.Errorf("cannot inherit %s: %w", d.Address, err)
	}
	if e.tables[d.Listener] == nil {
		e.tables[d.Listener] = map[route.BrokerID]int{}
	}
	e.tables[d.Listener][id] = int(at.Port())
	return nil
}

// place is the same for every way to write an address. All hosts (0.0.0.0, [::], none) are one: Go opens one socket for
// both families.
func place(at netip.AddrPort) netip.AddrPort {
	host := at.Addr().Unmap().WithZone("")
	if host.IsUnspecified() {
		host = netip.Addr{}
	}
	return netip.AddrPortFrom(host, at.Port())
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
	if !e.inherits() {
		return 0, false
	}
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return 0, false // opening it will say why
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	here := place(at.AddrPort())
	fd, ok = e.listeners[here]
	delete(e.listeners, here)
	return fd, ok
}

// inherits reports that a socket is left. Most of the time none is, and no name is looked up.
func (e *Endpoint) inherits() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.listeners) > 0
}

// Keep says what a successor is told beside the listening sockets: JSON that kept returns when it asks. It comes before Serve.
func (e *Endpoint) Keep(kept func() json.RawMessage) {
	if e != nil {
		e.keeps = kept
	}
}

// Kept is what the predecessor has told so; nil: nothing, or there was none.
func (e *Endpoint) Kept() json.RawMessage {
	if e == nil {
		return nil
	}
	return e.inherited
}

// Ports adds the ports that brokers have at the running proxy to those that were saved.
func (e *Endpoint) Ports(listener string, saved map[route.BrokerID]int) map[route.BrokerID]int {
	all := map[route.BrokerID]int{}
	maps.Copy(all, saved)
	maps.Copy(all, e.tables[listener])
	return all
}
