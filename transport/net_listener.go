package transport

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// acceptPause is how long accepting rests after an error such as too many open files: long enough not to spin,
// short enough that a freed descriptor is used at once for a human.
const acceptPause = 100 * time.Millisecond

// netListener accepts on a goroutine.
type netListener struct {
	ln     net.Listener
	accept func() (Conn, error)
	closed atomic.Bool
	once   sync.Once
	mu     sync.Mutex
	sink   Sink
}

func (l *netListener) Addr() netip.AddrPort { return addrPort(l.ln.Addr()) }

func (l *netListener) Close() {
	l.closed.Store(true)
	l.ln.Close()
}

func (l *netListener) Accept(sink Sink) {
	l.mu.Lock()
	l.sink = sink
	l.mu.Unlock()
	l.once.Do(func() { go l.acceptLoop() })
}

func (l *netListener) acceptLoop() {
	for {
		c, err := l.accept()
		l.mu.Lock()
		sink := l.sink
		l.mu.Unlock()
		switch {
		case l.closed.Load():
			if err == nil {
				c.Close() // its owner does not expect it any more
			}
			sink.Deliver(&AcceptEnded{})
			return
		case err == nil:
			sink.Deliver(&Accepted{Conn: c})
		default:
			sink.Deliver(&AcceptFailed{Err: err})
			time.Sleep(acceptPause)
		}
	}
}
