package transport

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// acceptPause is how long accepting rests after an error such as too many open files: long enough not to spin,
// short enough that a freed descriptor is used at once for a human.
const acceptPause = 100 * time.Millisecond

// netListener accepts on a goroutine.
type netListener struct {
	ln     net.Listener
	raw    syscall.RawConn // nil where the socket is not the kernel's
	accept func() (Conn, error)
	queued func() (Conn, bool) // accept without waiting; nil: not on this system
	once   sync.Once

	mu      sync.Mutex
	wake    sync.Cond // paused or closed has changed
	sink    Sink
	paused  bool
	turns   int // how often paused has changed
	closed  bool
	retired bool // closed by Retire, whose caller goes on with the connections that have come
}

func newNetListener(ln net.Listener, accept func() (Conn, error)) *netListener {
	l := &netListener{ln: ln, accept: accept}
	l.wake.L = &l.mu
	if sc, ok := ln.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			l.raw = raw
		}
	}
	return l
}

func (l *netListener) Addr() netip.AddrPort { return addrPort(l.ln.Addr()) }

func (l *netListener) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.wake.Broadcast()
	l.ln.Close()
}

// SetPaused is part of Listener.
func (l *netListener) SetPaused(paused bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.paused == paused {
		return nil
	}
	if err := setListening(l.raw, l.Addr(), !paused); err != nil {
		return err
	}
	l.paused = paused
	l.turns++
	l.wake.Broadcast()
	return nil
}

func (l *netListener) Accept(sink Sink) {
	l.mu.Lock()
	l.sink = sink
	l.mu.Unlock()
	l.once.Do(func() { go l.acceptLoop() })
}

func (l *netListener) acceptLoop() {
	for {
		turn := l.waitWhilePaused()
		c, err := l.accept() // fails at once when the listener is closed
		sink, turned, closed := l.now(turn)
		switch {
		case closed:
			if err == nil && l.isRetired() {
				sink.Deliver(&Accepted{Conn: c})
			} else if err == nil {
				c.Close() // its owner no longer expects it
			}
			sink.Deliver(&AcceptEnded{})
			return
		case err == nil:
			sink.Deliver(&Accepted{Conn: c})
		case turned: // the error is our own doing
		case errors.Is(err, syscall.EINVAL) && l.listenAgain():
			time.Sleep(acceptPause) // connections wait in the queue; should it be no cure, this does not spin
		default:
			sink.Deliver(&AcceptFailed{Err: err})
			time.Sleep(acceptPause)
		}
	}
}

func (l *netListener) isRetired() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.retired
}

// listenAgain undoes what another process has done to a socket that it shares with us (Inherit): it paused, and so
// stopped listening for both, and may have ended since.
func (l *netListener) listenAgain() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.closed && !l.paused && setListening(l.raw, l.Addr(), true) == nil
}

// waitWhilePaused waits until connections are wanted.
func (l *netListener) waitWhilePaused() (turn int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.paused && !l.closed {
		l.wake.Wait()
	}
	return l.turns
}

// now returns the sink, whether the listener was paused or resumed since a turn, and whether it was closed.
func (l *netListener) now(turn int) (sink Sink, turned, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sink, l.turns != turn, l.closed
}
