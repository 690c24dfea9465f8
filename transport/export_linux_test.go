package transport

func handedOnLoop(c Conn) (n int) {
	done := make(chan struct{})
	c.Executor().Schedule(func() {
		n = c.(*loopConn).handed
		close(done)
	})
	<-done
	return n
}

// Adopt makes a dialled connection of a socket. It is called on near's loop.
func Adopt(near Conn, fd int, sink Sink) Conn {
	n := near.(*loopConn)
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
