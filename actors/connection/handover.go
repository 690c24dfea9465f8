package connection

import (
	"errors"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Handing over: a connection that stands between two frames is nothing but sockets, the client's and one for each link, and the
// list of requests that upstreams have yet to answer. Another process can go on with it, and neither client nor brokers notice:
// the client's connection stays, and so do its registrations at brokers, which hang on the upstreams'.
//
//	HandOver → ReleaseSocket to each upstream → SocketReleased of each → HandedOverConnection → HandOverDone, or HandOverAborted

// releasing is which sockets the upstreams have given.
type releasing struct {
	left    int   // upstreams that have yet to answer
	sockets []int // by the number of the link; -1: it has none; kept: it has given nothing
	refused bool  // one has not given its own
	never   bool  // and never will
}

const kept = -2

// given are the sockets in the order of the links.
func (r *releasing) given() (list []int) {
	for _, fd := range r.sockets {
		if fd >= 0 {
			list = append(list, fd)
		}
	}
	return list
}

// dropReleased closes what upstreams have given, which nobody has got: the connection ends.
func (l *lifecycle) dropReleased() {
	if l.drain == nil || l.drain.releasing == nil || l.drain.given != nil {
		return
	}
	for _, fd := range l.drain.releasing.given() {
		(&messages.SocketReleased{FD: fd}).Discard()
	}
}

// handOver gives the connection away if it can be cut here.
func (c *connection) handOver() {
	c.answerHeld() // they come again, at the other process
	if c.life.handingOver() || !c.betweenFrames() {
		c.ctx.Respond(&messages.NotNow{})
		return
	}
	d, r := c.life.order(), &releasing{}
	d.asker, d.releasing = c.ctx.Sender(), r // from now on what the client sends is parked
	for i := range c.links.len() {
		r.sockets = append(r.sockets, kept)
		if c.links.at(i).exists() {
			r.left++
		}
	}
	if r.left == 0 {
		c.giveAway()
		return
	}
	for i := range c.links.len() {
		if l := c.links.at(i); l.exists() {
			l.upstream.Deliver(&messages.ReleaseSocket{Link: l.number})
		}
	}
}

// betweenFrames reports that all there is to know are the requests that wait for upstreams.
func (c *connection) betweenFrames() bool {
	return c.out.sock != nil && c.in.between() && c.out.between() && c.links.between() && c.flight.asking == 0 && !c.flight.parks() &&
		c.flight.waiting == 0 && c.heartbeat.arriving == nil && c.out.sock.Kept() == 0 && c.links.know(c.flight.count)
}

// socketReleased: an upstream has given its socket, or has not.
func (c *connection) socketReleased(m *messages.SocketReleased) {
	r := c.life.order().releasing
	if r == nil { // its actor has failed meanwhile, and was asked before
		m.Discard()
		return
	}
	if m.OK {
		r.sockets[m.Link] = m.FD
	} else {
		r.refused, r.never = true, r.never || m.Never
	}
	if r.left--; r.left == 0 {
		c.giveAway()
	}
}

// giveAway gives the connection to whoever asked for it. What came meanwhile may have made this a bad moment.
func (c *connection) giveAway() {
	d := c.life.drain
	state, ok := c.state()
	if d.releasing.refused || !ok || !c.betweenFrames() {
		c.notNow(d.releasing.never)
		return
	}
	fd, err := transport.Detach(c.out.sock)
	if err != nil {
		c.notNow(errors.Is(err, errors.ErrUnsupported))
		return
	}
	if state.OnePort != nil {
		for i := range state.OnePort.Links {
			state.OnePort.Links[i].Connected = d.releasing.sockets[i] >= 0
		}
	}
	d.given = &messages.HandedOverConnection{Client: fd, Upstreams: d.releasing.given(), State: state}
	c.ctx.Send(d.asker, d.given)
}

// notNow refuses, and goes on with the sockets of the upstreams.
func (c *connection) notNow(never bool) {
	c.takeBack()
	d := c.life.drain
	c.ctx.Send(d.asker, &messages.NotNow{Never: never})
	d.asker = nil
}

// takeBack gives the upstreams their sockets back.
func (c *connection) takeBack() {
	for i, fd := range c.life.drain.releasing.sockets {
		if fd != kept {
			c.links.at(i).upstream.Deliver(&messages.ReturnSocket{FD: fd})
		}
	}
	c.life.drain.releasing = nil
}

// handOverAborted: no process took it. It goes on with the same sockets.
func (c *connection) handOverAborted() {
	d := c.life.drain
	if d == nil || d.given == nil {
		return
	}
	c.out.sock = c.env.Transport.(transport.Sharing).Adopt(d.given.Client, c.out.sock.Executor())
	c.takeBack()
	d.given, d.asker = nil, nil
	c.out.sock.Start(&c.self)
}

// handOverDone: another process has the sockets.
func (c *connection) handOverDone() {
	c.life.order().moved = true
	c.samples.add(messages.Sample{Kind: messages.ConnectionMovedAway})
	c.stop()
}
