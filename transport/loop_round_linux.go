package transport

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// A round is what a loop does about the events that one wait has brought. With a few of them it first receives from all
// their sockets, then delivers, which makes actors run and write, and at its end sends what they have written. Through a
// ring (ring_linux.go) all receives are one system call, and all sends.
//
// Without a ring the order alone pays as well, with many events: reads and actors one after another keep a core's cache
// and branch predictor warm (5 % at 256 busy connections). Writes are then made as they come.
const (
	fewEvents   = 3         // from which on a round has such an order, with a ring
	manyEvents  = 32        // the same without
	largestPost = 16 << 10  // bytes of a write that waits for the end of the round; a longer one is worth a call of its own
	largestRead = 16 << 10  // bytes of a buffer that is received into with others; a longer one would leave the cache before it is written
	maxReceived = 256 << 10 // bytes of buffers that are received into before any of them is delivered
)

// received is what was received from a socket and not delivered.
type received struct {
	conn  *loopConn
	n     int
	errno syscall.Errno
}

// post is a write that waits for the end of the round. It has a reference to its owner.
type post struct {
	conn  *loopConn
	b     []byte
	owner *Chunk
}

// round deals with the events of a wait.
func (l *loop) round(events []unix.EpollEvent) {
	if len(events) < l.many {
		for i := range events {
			l.event(&events[i])
			l.runQueue()
		}
		return
	}
	l.posting = l.ring != nil
	for len(events) > 0 {
		n := l.receive(events)
		l.deliver()
		l.sendPosts()
		events = events[n:]
	}
	l.posting = false
	if l.ring != nil && l.ring.failed != nil {
		l.giveUpRing(l.ring.failed)
	}
}

// receive receives for as many events as may wait together, and returns how many. What is not a plain receive comes after
// them.
func (l *loop) receive(events []unix.EpollEvent) (n int) {
	room := maxReceived
	for n < len(events) && room > 0 {
		e := &events[n]
		n++
		c := l.connOf(e)
		if c == nil || e.Events != unix.EPOLLIN || c.sizer.size > largestRead || !c.readable() {
			l.others = append(l.others, *e)
			continue
		}
		c.takeBuffer()
		room -= len(c.readBuf)
		c.receiving = true
		r := received{conn: c}
		if l.ring != nil {
			l.ring.receive(c.fd, c.readBuf[c.carry:])
		} else {
			r.n, r.errno = rawRead(c.fd, c.readBuf[c.carry:])
		}
		l.received = append(l.received, r)
	}
	if l.ring != nil {
		l.ring.carryOut()
		for i := range l.received {
			l.received[i].n, l.received[i].errno = l.ring.result(i)
		}
	}
	return n
}

// deliver gives each connection what was received for it.
func (l *loop) deliver() {
	for i := range l.received {
		l.received[i].conn.deliverReceived(&l.received[i])
		l.runQueue()
	}
	clear(l.received)
	l.received = l.received[:0]
	for i := range l.others {
		l.event(&l.others[i])
		l.runQueue()
	}
	l.others = l.others[:0]
}

// deliverReceived does nothing if it was done, or if what came before has closed the connection.
func (c *loopConn) deliverReceived(r *received) {
	if c.receiving {
		c.receiving = false
		c.hasRead(r.n, r.errno)
	}
}

// deliverFirst delivers what the round has received for the connection, if anything: before anything else is read.
func (c *loopConn) deliverFirst() {
	for i := range c.loop.received {
		if r := &c.loop.received[i]; r.conn == c {
			c.deliverReceived(r)
		}
	}
}

// post keeps a write for the end of the round.
func (l *loop) post(c *loopConn, b []byte, owner *Chunk) {
	if len(l.posts) == ringSize {
		l.sendPosts()
	}
	if owner != nil {
		owner.Retain()
	}
	c.posted = true
	l.posts = append(l.posts, post{c, b, owner})
}

// sendPosts sends what was posted.
func (l *loop) sendPosts() {
	for waiting := l.posts; len(waiting) > 0; {
		waiting = l.sendFirst(waiting)
	}
	clear(l.posts)
	l.posts = l.posts[:0]
}

// sendFirst sends the first write of each connection, all at once. It returns the others, which have to wait for how that
// ends.
func (l *loop) sendFirst(posts []post) (others []post) {
	others = posts[:0]
	for _, p := range posts {
		switch c := p.conn; {
		case c.sending:
			others = append(others, p)
		case c.kept > 0:
			c.keep(p.b, p.owner)
			p.done()
		case c.fault != nil:
			p.done()
		default:
			c.sending = true
			l.ring.send(c.fd, p.b)
			l.sends = append(l.sends, p)
		}
	}
	l.ring.carryOut()
	for i, p := range l.sends {
		n, errno := l.ring.result(i)
		p.conn.sending = false
		p.conn.hasWritten(p.b, p.owner, n, errno)
		p.done()
	}
	clear(l.sends)
	l.sends = l.sends[:0]
	return others
}

func (p *post) done() {
	p.conn.posted = false
	if p.owner != nil {
		p.owner.Release()
	}
}

// useRing has the loop make calls together, if the system lets it. It is called on the loop's thread.
func (l *loop) useRing() error {
	r, err := openRing()
	if err != nil {
		return err
	}
	l.ring, l.many = r, fewEvents
	return nil
}

// giveUpRing has the loop go on without its ring.
func (l *loop) giveUpRing(why error) {
	l.ring.close()
	l.ring, l.many = nil, manyEvents
	l.ringFailed(why)
}
