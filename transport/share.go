package transport

import "errors"

// ErrMidFrame is why a connection cannot be detached now: it is in the middle of a frame, or has something to write.
var ErrMidFrame = errors.New("not between two frames")

// Sharing is what a transport can that shares its sockets with other processes: the successor of this one takes over
// from it without anybody being refused or disconnected. Only Loops can.
type Sharing interface {
	// ListenShared is Listen for a port that several processes may have open at once (SO_REUSEPORT).
	ListenShared(address string) (Listener, error)
	// Inherit makes a Listener of a descriptor.
	Inherit(fd int) (Listener, error)
	// Adopt makes a Conn of the descriptor of a connected socket, served on an executor of this transport; nil: any.
	Adopt(fd int, on Executor) Conn
}

// Retire closes a listening socket, but first takes in the connections that are in its queue: closing alone would reset them. A
// handshake that ends between the last look and the close is still reset; with a successor that has this very socket
// open (Inherit) nothing is.
func Retire(l Listener) {
	if g, ok := l.(*handshakeListener); ok { // whose handshake is in progress has connected as well
		Retire(g.Listener)
		return
	}
	defer l.Close()
	nl, ok := l.(*netListener)
	if !ok || nl.queued == nil {
		return
	}
	nl.mu.Lock()
	sink := nl.sink
	if nl.closed || nl.paused || sink == nil { // there is no queue
		nl.mu.Unlock()
		return
	}
	nl.retired = true
	nl.mu.Unlock()
	for c, ok := nl.queued(); ok; c, ok = nl.queued() {
		sink.Deliver(&Accepted{Conn: c})
	}
}
