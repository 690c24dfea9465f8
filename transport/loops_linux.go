package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Loops is the transport on epoll event loops. Make one with NewLoops.
type Loops struct {
	net   Net // dials for no client, and its numbers
	loops []*loop
	next  atomic.Uint32

	rings     ringOptions
	ringFault atomic.Pointer[error] // why not all loops have a ring
}

// NewLoops starts n event loops. Window and budget are as in Net.
func NewLoops(n int, limits codec.Limits, window, budget int, dialTimeout time.Duration, options ...Option) (*Loops, error) {
	t := &Loops{net: Net{Limits: limits, Window: window, Budget: budget, DialTimeout: dialTimeout}, rings: ringOptionsOf(options)}
	for range n {
		l, err := newLoop()
		if err != nil {
			t.Close()
			return nil, err
		}
		l.t, l.holding, l.unreported = t, &t.net.held, unreported(budget, n)
		l.ringFailed = t.ringFailed
		t.loops = append(t.loops, l)
		go l.run()
		ready := make(chan struct{})
		l.Schedule(func() {
			t.setUpRing(l)
			close(ready)
		})
		<-ready
	}
	return t, nil
}

// setUpRing runs on the loop.
func (t *Loops) setUpRing(l *loop) {
	err := ErrIOUringOff
	if !t.rings.off {
		err = l.useRing()
	}
	if err != nil {
		t.ringFault.Store(&err)
	}
}

// ringFailed runs on a loop that has given up its ring.
func (t *Loops) ringFailed(why error) {
	t.ringFault.Store(&why)
	if t.rings.failed != nil {
		t.rings.failed(why)
	}
}

// ioUring is part of IOUring.
func (t *Loops) ioUring() error {
	if why := t.ringFault.Load(); why != nil {
		return *why
	}
	return nil
}

// Close stops the loops and closes all their sockets.
func (t *Loops) Close() {
	for _, l := range t.loops {
		l.stop()
	}
}

// Executors are the loops.
func (t *Loops) Executors() []Executor {
	all := make([]Executor, len(t.loops))
	for i, l := range t.loops {
		all[i] = l
	}
	return all
}

// Buffered is part of Budget.
func (t *Loops) Buffered() (bytes int64, pauses uint64) { return t.net.Buffered() }

// Reserve is part of Budget.
func (t *Loops) Reserve(n int) bool { return t.net.Reserve(n) }

// Release is part of Budget.
func (t *Loops) Release(n int) { t.net.Release(n) }

// Over is part of Budget.
func (t *Loops) Over() bool { return t.net.Over() }

// Hold is part of Budget.
func (t *Loops) Hold(on Executor, n int) {
	if l, ok := on.(*loop); ok {
		l.hold(n)
		return
	}
	t.net.Hold(on, n)
}

// pick spreads connections over the loops.
func (t *Loops) pick() *loop { return t.loops[t.next.Add(1)%uint32(len(t.loops))] }

// Dial begins to connect. A socket that works for another one lives on its loop; one that works for nobody belongs to
// an owner outside of the loops and is given a goroutine.
func (t *Loops) Dial(address string, d Downstream, sink Sink) Conn {
	return t.dial(address, d, opening{}, sink)
}

func (t *Loops) dial(address string, d Downstream, o opening, sink Sink) Conn {
	l, ok := d.On.(*loop)
	if !ok || o.tls != nil {
		return t.net.dial(address, d, o, sink)
	}
	c := t.newConn(l, -1)
	c.sink, c.connecting = sink, true
	c.dial(address)
	c.Write(o.header, nil) // kept until it is connected, and the first to go out
	return c
}

// Towards returns a dialer that begins connections as u says.
func (t *Loops) Towards(u UpstreamHandshake) Dialer { return loopsDialer{t, u} }

type loopsDialer struct {
	t *Loops
	u UpstreamHandshake
}

func (n loopsDialer) Dial(address string, d Downstream, sink Sink) Conn {
	return n.t.dial(address, d, n.u.opening(d), sink)
}

func (t *Loops) newConn(l *loop, fd int) *loopConn {
	now := t.net.tuning()
	c := &loopConn{loop: l, fd: fd, window: now.window, sizer: readSizer{size: minBuffer}}
	c.split.Limits = now.limits
	return c
}

// Tune replaces the numbers for connections and dials from now on.
func (t *Loops) Tune(limits codec.Limits, window int, dialTimeout time.Duration) {
	t.net.Tune(limits, window, dialTimeout)
}

// Listen opens a listening socket. Its connections are accepted on a goroutine and live on the loops.
func (t *Loops) Listen(address string) (Listener, error) {
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, err
	}
	return t.serve(ln)
}

// serve makes a Listener of an open socket, which it owns from now on.
func (t *Loops) serve(ln net.Listener) (Listener, error) {
	file, err := pollable(ln.(*net.TCPListener))
	if err != nil {
		ln.Close()
		return nil, fmt.Errorf("cannot use the listening socket: %w", err)
	}
	raw, err := file.SyscallConn()
	if err != nil {
		ln.Close()
		file.Close()
		return nil, fmt.Errorf("cannot use the listening socket: %w", err)
	}
	l := newNetListener(both{ln.(*net.TCPListener), file}, func() (Conn, error) { return t.accept(raw) })
	l.queued = func() (Conn, bool) { return t.queued(raw) }
	return l, nil
}

// pollable duplicates a listening socket as a file: Go lets nobody else accept on its own.
func pollable(ln *net.TCPListener) (*os.File, error) {
	fd, err := duplicate(ln)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "listener"), nil
}

// both closes the two descriptors of one listening socket.
type both struct {
	*net.TCPListener
	file *os.File
}

func (b both) Close() error { return errors.Join(b.file.Close(), b.TCPListener.Close()) }

// accept waits in Go's poller, which costs nothing while nobody comes, and takes the descriptor for ourselves.
func (t *Loops) accept(raw syscall.RawConn) (Conn, error) {
	var fd int
	var peer unix.Sockaddr
	var errno error
	err := raw.Read(func(lfd uintptr) bool {
		fd, peer, errno = acceptNow(int(lfd))
		return !errors.Is(errno, unix.EAGAIN)
	})
	if err == nil {
		err = errno
	}
	if err != nil {
		return nil, err
	}
	return t.connectionOf(fd, fromSockaddr(peer)), nil
}

// queued is accept for callers that do not wait; ok is false when there is no connection.
func (t *Loops) queued(raw syscall.RawConn) (c Conn, ok bool) {
	var fd int
	var peer unix.Sockaddr
	var errno error
	if err := raw.Control(func(lfd uintptr) { fd, peer, errno = acceptNow(int(lfd)) }); err != nil || errno != nil {
		return nil, false
	}
	return t.connectionOf(fd, fromSockaddr(peer)), true
}

func acceptNow(lfd int) (fd int, peer unix.Sockaddr, errno error) {
	for {
		fd, peer, errno = unix.Accept4(lfd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if errno != unix.EINTR && errno != unix.ECONNABORTED {
			return fd, peer, errno
		}
	}
}

// connectionOf makes a Conn of an open socket with a peer, which may have reset it: then the socket has forgotten whose
// it was.
func (t *Loops) connectionOf(fd int, peer endpoint) *loopConn {
	tune(fd)
	c := t.newConn(t.pick(), fd)
	c.local, c.remote = localOf(fd), peer
	return c
}

// tune sets what Go's net package sets as well. A socket that refuses is still a socket.
func tune(fd int) {
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, int(keepAlive/time.Second))
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, int(keepAlive/time.Second)/4)
}
