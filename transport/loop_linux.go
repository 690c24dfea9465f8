package transport

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// loop is one epoll event loop on a thread of its own, and the executor of everything that belongs to its sockets.
// All methods but Schedule and stop are for code that runs on it.
type loop struct {
	t      *Loops
	epfd   int
	wakefd int
	conns  []*loopConn // by descriptor
	gen    int32       // distinguishes a descriptor's present owner from the one before

	layouts codec.Layouts // of the headers that all of them have read

	holding    *holding // of all loops
	held       int      // bytes that chunks and partial headers of this loop's sockets hold
	reported   int      // of them, those that holding knows of
	unreported int      // how far the two may differ

	ring       *ring // nil: each call is made by itself
	ringFailed func(error)
	many       int               // events from which on a round receives before it delivers
	received   []received        // in this round, to be delivered
	others     []unix.EpollEvent // of this round, which come after them
	posts      []post            // writes that wait for the end of the round
	sends      []post            // of them, those that are being sent
	posting    bool              // writes are posted

	direct bool // it may wait without telling Go's scheduler (wait)
	quiet  bool // a wait was interrupted, and no socket has brought anything since

	mu       sync.Mutex
	queue    []func()
	spare    []func()
	pending  atomic.Int32 // len(queue), to look at without the lock
	sleeping atomic.Bool
	stopped  atomic.Bool
	done     chan struct{}

	waking sync.RWMutex // held for writing while wakefd is closed: its number is somebody else's afterwards
	gone   bool         // wakefd is closed
}

// eventBatch is how many events one call brings.
const eventBatch = 128

func newLoop() (*loop, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot create an epoll instance: %w", err)
	}
	wakefd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err == nil {
		err = unix.EpollCtl(epfd, unix.EPOLL_CTL_ADD, wakefd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(wakefd)})
	}
	if err != nil {
		unix.Close(wakefd)
		unix.Close(epfd)
		return nil, fmt.Errorf("cannot create an event descriptor: %w", err)
	}
	return &loop{epfd: epfd, wakefd: wakefd, many: manyEvents, done: make(chan struct{})}, nil
}

// Schedule runs fn on the loop. It is safe from everywhere; from the loop itself it costs no system call. A loop that
// has been stopped forgets fn.
func (l *loop) Schedule(fn func()) {
	l.mu.Lock()
	l.queue = append(l.queue, fn)
	l.pending.Add(1)
	l.mu.Unlock()
	if l.sleeping.CompareAndSwap(true, false) {
		l.wake()
	}
}

func (l *loop) wake() {
	l.waking.RLock()
	defer l.waking.RUnlock()
	if !l.gone {
		one := [8]byte{1}
		unix.Write(l.wakefd, one[:]) // full means that a wake-up is on its way
	}
}

func (l *loop) stop() {
	l.stopped.Store(true)
	l.wake()
	<-l.done
}

// run is the loop. All its system calls but some waits (wait) are raw ones: they do not block, so there is nothing for
// the scheduler to know.
//
// A panic ends the process. Actors recover theirs in their mailboxes; what gets here is a bug of the machinery itself,
// whose locks and counts can no longer be trusted.
func (l *loop) run() {
	runtime.LockOSThread()
	l.direct = takeDirectWait()
	events := make([]unix.EpollEvent, eventBatch)
	for !l.stopped.Load() {
		n := l.wait(events)
		l.round(events[:n])
		l.runQueue()
	}
	l.closeAll()
	close(l.done)
}

func (l *loop) event(e *unix.EpollEvent) {
	fd := int(e.Fd)
	if fd == l.wakefd {
		var counter [8]byte
		unix.Read(l.wakefd, counter[:])
		return
	}
	if c := l.connOf(e); c != nil {
		c.event(e.Events)
	}
}

// connOf is the connection that an event is for; nil: it is closed.
func (l *loop) connOf(e *unix.EpollEvent) *loopConn {
	if fd := int(e.Fd); fd < len(l.conns) {
		if c := l.conns[fd]; c != nil && c.gen == e.Pad {
			return c
		}
	}
	return nil
}

// maxRounds is how far the queue is followed before sockets are looked at again: much further than a message goes from
// actor to actor, so that what a socket brings is done with while it is warm.
const maxRounds = 64

// runQueue runs what was scheduled before it began and what that leads to.
func (l *loop) runQueue() {
	for range maxRounds {
		if l.pending.Load() == 0 {
			return
		}
		l.mu.Lock()
		batch := l.queue
		l.queue = l.spare[:0]
		l.pending.Store(0)
		l.mu.Unlock()
		for i, fn := range batch {
			batch[i] = nil
			fn()
		}
		l.spare = batch
	}
}

// hold notes that the sockets of this loop hold n bytes more; a negative n gives some back.
func (l *loop) hold(n int) {
	l.held += n
	if d := l.held - l.reported; d >= l.unreported || -d >= l.unreported {
		l.report()
	}
}

// report has holding know of all that is held. A loop that rests has done so.
func (l *loop) report() {
	if l.held != l.reported {
		l.holding.bytes.Add(int64(l.held - l.reported))
		l.reported = l.held
	}
}

// add registers a socket; set changes what it waits for.
func (l *loop) add(c *loopConn, events uint32) error {
	for len(l.conns) <= c.fd {
		l.conns = append(l.conns, make([]*loopConn, max(64, len(l.conns)))...)
	}
	if l.gen++; l.gen == 0 { // after four billion sockets
		l.gen++
	}
	c.gen, c.events = l.gen, events
	l.conns[c.fd] = c
	return unix.EpollCtl(l.epfd, unix.EPOLL_CTL_ADD, c.fd, &unix.EpollEvent{Events: events, Fd: int32(c.fd), Pad: c.gen})
}

func (l *loop) set(c *loopConn, events uint32) {
	if c.events == events || c.gen == 0 {
		return
	}
	c.events = events
	unix.EpollCtl(l.epfd, unix.EPOLL_CTL_MOD, c.fd, &unix.EpollEvent{Events: events, Fd: int32(c.fd), Pad: c.gen})
}

// remove forgets a socket before it is closed.
func (l *loop) remove(c *loopConn) {
	if c.gen != 0 && c.fd < len(l.conns) && l.conns[c.fd] == c {
		l.conns[c.fd] = nil
	}
}

func (l *loop) closeAll() {
	if l.direct {
		giveDirectWaitBack()
	}
	l.runQueue()
	for _, c := range l.conns {
		if c != nil {
			c.Close()
		}
	}
	l.waking.Lock()
	defer l.waking.Unlock()
	l.gone = true
	unix.Close(l.wakefd)
	unix.Close(l.epfd)
	if l.ring != nil {
		l.ring.close()
	}
}
