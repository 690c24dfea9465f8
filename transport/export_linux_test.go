package transport

import "os"

func handedOnLoop(c Conn) (n int) {
	done := make(chan struct{})
	c.Executor().Schedule(func() {
		n = c.(*loopConn).handed
		close(done)
	})
	<-done
	return n
}

func cannotWriteOnLoop(c Conn) bool {
	c.Kept() // sends what waits for the end of the round
	return c.(*loopConn).fault != nil
}

// Adopt makes a dialed connection of a socket. It is called on the loop of the downstream connection.
func Adopt(downstream Conn, fd int, sink Sink) Conn {
	n := downstream.(*loopConn)
	c := &loopConn{loop: n.loop, fd: -1, sink: sink, connecting: true, sizer: readSizer{size: minBuffer}, cancelDial: func() {}}
	c.adopt(fd, nil)
	return c
}

// OrderAlways has loops receive before they deliver, and with a ring send at the end and through the ring, also with a single
// event.
func OrderAlways(t *Loops) {
	for _, l := range t.loops {
		l.Schedule(func() {
			l.many = 1
			if l.ring != nil {
				l.ring.fewest = 1
			}
		})
	}
}

// Outside has the functions that are called until it ends belong to no round, as they are called on another thread than the
// loop's, which a ring does not forgive. It is called on the loop.
func Outside(x Executor) (end func()) {
	l, ok := x.(*loop)
	if !ok {
		return func() {}
	}
	l.sendPosts()
	posting := l.posting
	l.posting = false
	return func() { l.posting = posting }
}

// EndDial does to a dialed connection what the timeout of an address does and the failure of a host name, both of which
// may be on their way when it is closed. It is called on the connection's loop.
func EndDial(c Conn) {
	c.(*loopConn).dialTimedOut()
	c.(*loopConn).adopt(-1, os.ErrDeadlineExceeded)
}

// Waiting reports that the loop of a connection waits for events.
func Waiting(c Conn) bool { return c.(*loopConn).loop.sleeping.Load() }

// Quiet reports that the next wait of a connection's loop is one that Go's scheduler knows of. It is called on the loop.
func Quiet(c Conn) bool { return c.(*loopConn).loop.quiet }

// DirectWaits is how many of the loops may wait without telling Go's scheduler.
func DirectWaits(t *Loops) (n int) {
	for _, l := range t.loops {
		done := make(chan struct{})
		l.Schedule(func() {
			if l.direct {
				n++
			}
			close(done)
		})
		<-done
	}
	return n
}
