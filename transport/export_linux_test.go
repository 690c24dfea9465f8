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

// Adopt makes a dialed connection of a socket. It is called on the loop of the downstream connection.
func Adopt(downstream Conn, fd int, sink Sink) Conn {
	n := downstream.(*loopConn)
	c := &loopConn{t: n.t, loop: n.loop, fd: -1, sink: sink, connecting: true, sizer: readSizer{size: minBuffer}, cancelDial: func() {}}
	c.adopt(fd, nil)
	return c
}

// GatherAlways has loops read all there is before they deliver it, as they do when there are many events.
func GatherAlways(t *Loops) {
	for _, l := range t.loops {
		l.Schedule(func() { l.many = 1 })
	}
}

// EndDial does to a dialed connection what the timeout of an address does and the failure of a host name, both of which
// may be on their way when it is closed. It is called on the connection's loop.
func EndDial(c Conn) {
	c.(*loopConn).dialTimedOut()
	c.(*loopConn).adopt(-1, os.ErrDeadlineExceeded)
}

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
