//go:build linux

package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// open sends at a fixed rate, whether answers come or not. A request's time counts from the moment at which it was to
// be sent, so that a stall is charged to every request that it made wait.
func (g *generator) open(s *spec, o *outcome) error {
	g.free = make([][]int, len(g.conns))
	for i := range g.free {
		for slot := range g.slots {
			g.free[i] = append(g.free[i], slot)
		}
	}
	g.respond = func(g *generator, c *conn, slot int) { g.free[c.index] = append(g.free[c.index], slot) }
	t := &ticker{g: g, interval: time.Duration(float64(time.Second) / s.Rate), next: clock()}
	if err := t.start(); err != nil {
		return err
	}
	defer unix.Close(t.fd)
	return g.measure(s, o)
}

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
	return t.g.loop.add(fd, unix.EPOLLIN, t)
}

func (t *ticker) ready(uint32) {
	var expirations [8]byte
	unix.Read(t.fd, expirations[:]) //nolint:errcheck // what is due says the clock
	for now := clock(); t.next <= now; t.next += int64(t.interval) {
		c := t.g.conns[t.turn]
		t.turn = (t.turn + 1) % len(t.g.conns)
		free := t.g.free[c.index]
		if len(free) == 0 {
			t.g.loop.err = fmt.Errorf("connection %d has %d requests in flight: the rate is more than the candidate can serve", c.index, t.g.slots)
			return
		}
		slot := free[len(free)-1]
		t.g.free[c.index] = free[:len(free)-1]
		t.g.send(c, t.g.first, slot, t.next)
		c.flush()
	}
}
