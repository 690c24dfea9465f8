package transport

import (
	"context"
	"errors"
	"net/netip"
	"sync"
)

// Wrap puts the handshake before a listener: connections that have passed go to the sink of Accept. Each handshake has
// a goroutine, so a slow one holds up no other. Closing the listener ends those in progress.
func (h *DownstreamHandshake) Wrap(ln Listener) Listener {
	if h.TLS == nil && len(h.ProxyFrom) == 0 {
		return ln
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &handshakeListener{Listener: ln, handshake: h, ctx: ctx, cancel: cancel}
}

// handshakeListener is a Listener with a handshake, and the sink of the one below.
type handshakeListener struct {
	Listener
	handshake *DownstreamHandshake
	ctx       context.Context
	cancel    func()

	mu         sync.Mutex
	sink       Sink
	inProgress int          // handshakes
	ended      *AcceptEnded // to be delivered after the last of them
}

// Close is part of Listener.
func (l *handshakeListener) Close() {
	l.Listener.Close()
	l.cancel()
}

// Accept is part of Listener.
func (l *handshakeListener) Accept(sink Sink) {
	l.mu.Lock()
	l.sink = sink
	l.mu.Unlock()
	l.Listener.Accept(l)
}

// Deliver is part of Sink.
func (l *handshakeListener) Deliver(event any) {
	switch m := event.(type) {
	case *Accepted:
		if l.handshake.concerns(m.Conn.Remote().Addr()) {
			l.begin(m.Conn.(unstarted))
			return
		}
	case *AcceptEnded:
		l.count(0, m)
		return
	}
	l.pass(event)
}

// begin has a connection shake hands, or closes it if it may not.
func (l *handshakeListener) begin(c unstarted) {
	err := errTooMany
	if !l.full() {
		if c.budget().Reserve(handshakeCost) {
			l.count(1, nil)
			go l.perform(c)
			return
		}
		err = errNoMemory
	}
	l.reject(&Rejection{Reason: RejectedTooMany, Err: err}, c.Remote())
	c.Close()
}

var (
	errTooMany  = errors.New("as many handshakes are in progress as there may be clients (limits.connections_per_listener)")
	errNoMemory = errors.New("handshakes and heartbeats use half of the memory for them (limits.buffer_total)")
)

func (l *handshakeListener) full() bool {
	if l.handshake.MaxInProgress == nil {
		return false
	}
	most := l.handshake.MaxInProgress()
	l.mu.Lock()
	defer l.mu.Unlock()
	return most > 0 && l.inProgress >= most
}

func (l *handshakeListener) reject(r *Rejection, remote netip.AddrPort) {
	if l.handshake.Rejected != nil {
		r.Remote = remote
		l.handshake.Rejected(*r)
	}
}

// count keeps the number of handshakes in progress. The end of accepting is delivered after the last of them.
func (l *handshakeListener) count(more int, ended *AcceptEnded) {
	l.mu.Lock()
	l.inProgress += more
	if ended != nil {
		l.ended = ended
	}
	if l.inProgress > 0 {
		ended = nil
	} else {
		ended, l.ended = l.ended, nil
	}
	l.mu.Unlock()
	if ended != nil {
		l.cancel()
		l.pass(ended)
	}
}

func (l *handshakeListener) pass(event any) {
	l.mu.Lock()
	sink := l.sink
	l.mu.Unlock()
	sink.Deliver(event)
}

func (l *handshakeListener) perform(c unstarted) {
	defer l.count(-1, nil)
	defer c.budget().Release(handshakeCost)
	remote := c.Remote()
	passed, rejection := l.handshake.perform(l.ctx, c)
	switch {
	case rejection == nil:
		l.pass(&Accepted{Conn: passed})
	case rejection != errNothing && l.ctx.Err() == nil:
		l.reject(rejection, remote)
	}
}
