//go:build linux

package load

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/wire"
)

// startTicker sends at a fixed rate, whether answers come or not. A request's time counts from the moment at which it
// was to be sent, so that a stall is charged to every request that it made wait.
func (g *generator) startTicker(s *Spec) error {
	if g.free == nil {
		g.free = make([][]int, len(g.conns))
		for i := range g.free {
			for slot := range g.slots {
				g.free[i] = append(g.free[i], slot)
			}
		}
	}
	g.respond = (*generator).release
	g.ticker = &ticker{g: g, interval: time.Duration(float64(time.Second) / s.Rate), next: wire.Clock()}
	return g.ticker.start()
}

// release makes a slot free for a later request.
func (g *generator) release(c *wire.Conn, slot int) { g.free[c.Index] = append(g.free[c.Index], slot) }

// ticker is a timer descriptor: epoll's own timeouts are too coarse.
type ticker struct {
	g        *generator
	fd       int
	interval time.Duration
	next     int64 // when the next request is to be sent
	turn     int   // the connection whose turn it is
}

func (t *ticker) start() error {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("timerfd_create", err)
	}
	t.fd = fd
	every := unix.NsecToTimespec(int64(t.interval))
	if err := unix.TimerfdSettime(fd, 0, &unix.ItimerSpec{Interval: every, Value: every}, nil); err != nil {
		return os.NewSyscallError("timerfd_settime", err)
	}
	return t.g.loop.Add(fd, unix.EPOLLIN, t)
}

// stop ends it; a closed loop has none.
func (t *ticker) stop() {
	if t != nil && t.fd >= 0 {
		unix.Close(t.fd)
		t.fd = -1
	}
}

// Ready sends what is due.
func (t *ticker) Ready(uint32) {
	var expirations [8]byte
	if t.fd < 0 {
		return // it was stopped in this very round of the loop
	}
	unix.Read(t.fd, expirations[:]) //nolint:errcheck // what is due says the clock
	for now := wire.Clock(); t.next <= now; t.next += int64(t.interval) {
		c := t.g.conns[t.turn]
		t.turn = (t.turn + 1) % len(t.g.conns)
		free := t.g.free[c.Index]
		if len(free) == 0 {
			t.g.loop.Err = fmt.Errorf("connection %d has %d requests in flight: the rate is more than the candidate can serve", c.Index, t.g.slots)
			return
		}
		slot := free[len(free)-1]
		t.g.free[c.Index] = free[:len(free)-1]
		t.g.send(c, t.g.first, slot, t.next)
		c.Flush()
	}
}
