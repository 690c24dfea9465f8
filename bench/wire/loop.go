//go:build linux

package wire

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Loop is an epoll loop on one thread. Sink and generator run on one each.
type Loop struct {
	epfd    int
	sources []Source // by descriptor
	events  []unix.EpollEvent
	in      []byte // what one read returns
	Batch   []byte // what is to be written to the connection that is being read
	Now     int64  // Clock() when the present events came
	Polite  bool   // do not read from a connection that does not read
	Err     error  // why the loop ended early
}

// Source is what the loop waits for.
type Source interface{ Ready(events uint32) }

// readSize is large enough that a read takes what a socket buffer holds.
const readSize = 512 << 10

// NewLoop makes a loop without connections.
func NewLoop() (*Loop, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	return &Loop{epfd: epfd, events: make([]unix.EpollEvent, 512), in: make([]byte, readSize)}, nil
}

// Add has the loop wait for events of a descriptor.
func (l *Loop) Add(fd int, events uint32, s Source) error {
	for len(l.sources) <= fd {
		l.sources = append(l.sources, nil)
	}
	l.sources[fd] = s
	return l.control(unix.EPOLL_CTL_ADD, fd, events)
}

func (l *Loop) control(op, fd int, events uint32) error {
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(l.epfd, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)}))
}

// RunUntil serves until the clock says end, or done, which may be nil, reports true.
func (l *Loop) RunUntil(end int64, done func() bool) error {
	for {
		l.Now = Clock()
		if l.Err != nil || l.Now >= end || done != nil && done() {
			return l.Err
		}
		n, err := unix.EpollWait(l.epfd, l.events, int(min((end-l.Now)/1e6+1, 50)))
		if err != nil && err != unix.EINTR {
			return os.NewSyscallError("epoll_wait", err)
		}
		l.Now = Clock()
		for _, ev := range l.events[:max(n, 0)] {
			if s := l.sources[ev.Fd]; s != nil {
				s.Ready(ev.Events)
			}
		}
	}
}

var epoch = time.Now()

// Clock is nanoseconds since the process began.
func Clock() int64 { return int64(time.Since(epoch)) }
