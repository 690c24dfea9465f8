package rpc

import (
	"net"
	"sync"
)

// inbox is the listener that the server accepts connections from.
type inbox struct {
	mu     sync.Mutex
	queue  []net.Conn
	wake   chan struct{}
	closed chan struct{}
	once   sync.Once
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1), closed: make(chan struct{})} }

func (i *inbox) put(nc net.Conn) {
	i.mu.Lock()
	defer i.mu.Unlock()
	select {
	case <-i.closed:
		nc.Close()
		return
	default:
	}
	i.queue = append(i.queue, nc)
	select {
	case i.wake <- struct{}{}:
	default:
	}
}

// Accept is part of net.Listener.
func (i *inbox) Accept() (net.Conn, error) {
	for {
		i.mu.Lock()
		if len(i.queue) > 0 {
			nc := i.queue[0]
			i.queue = i.queue[1:]
			i.mu.Unlock()
			return nc, nil
		}
		i.mu.Unlock()
		select {
		case <-i.wake:
		case <-i.closed:
			return nil, net.ErrClosed
		}
	}
}

// Close is part of net.Listener.
func (i *inbox) Close() error {
	i.once.Do(func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		close(i.closed)
		for _, nc := range i.queue {
			nc.Close()
		}
		i.queue = nil
	})
	return nil
}

// Addr is part of net.Listener.
func (i *inbox) Addr() net.Addr { return &net.TCPAddr{} }
