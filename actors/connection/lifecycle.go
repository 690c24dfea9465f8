package connection

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// lifecycle is whether and how the connection ends. What is in flight, and what the loss of a broker means to a client,
// is decided elsewhere; when the end has come is noticed in one place, closeIfDue.
type lifecycle struct {
	state       lifeState
	broke       bool   // it was closing or aborting when it was told to stop
	resetOnLoss bool   // breaks as soon as it is certain that the client is not accepted again: what waits stays unanswered
	drain       *drain // what a drain or a hand-over wants; nil: nothing
}

// lifeState only ever grows.
type lifeState uint8

const (
	open     lifeState = iota
	draining           // closes when nothing is in flight and the client has been quiet for a moment
	closing            // breaks when nothing is in flight
	aborting           // breaks when what was written has gone out
	closed             // its actor has been told to stop
)

// drain is how a connection ends when its proxy drains, or goes to another process.
type drain struct {
	goAway   bool          // requests are answered GO_AWAY
	watching bool          // a timer will look again
	moved    bool          // another process has it
	quiet    time.Duration // since the last traffic, before a draining connection closes

	asker     *actor.PID                     // asked for this connection; set: nothing is begun
	releasing *releasing                     // nil: no upstream has been asked for its socket
	given     *messages.HandedOverConnection // what it got, until HandOverDone or HandOverAborted
}

// QuietBeforeEnd is how long a client must have said nothing before its connection is closed. A request that was on its
// way when the one before was answered has arrived by then.
const QuietBeforeEnd = time.Second

// lookAgain comes when a draining connection may have been quiet for long enough.
type lookAgain struct{}

// order is what a drain or a hand-over wants, to be changed.
func (l *lifecycle) order() *drain {
	if l.drain == nil {
		l.drain = &drain{}
	}
	return l.drain
}

// sendsAway reports that new requests are to be answered GO_AWAY.
func (l *lifecycle) sendsAway() bool { return l.drain != nil && l.drain.goAway }

// handingOver reports that another process is about to get the connection: nothing may be begun.
func (l *lifecycle) handingOver() bool { return l.drain != nil && l.drain.asker != nil }

// moved reports that another process has the connection.
func (l *lifecycle) moved() bool { return l.drain != nil && l.drain.moved }

// letGo has the connection close once nothing is in flight and the client has been quiet for so long.
func (l *lifecycle) letGo(quiet time.Duration) {
	l.order().quiet = quiet
	l.state = max(l.state, draining)
}

// closeWhenIdle breaks the connection once nothing is in flight.
func (l *lifecycle) closeWhenIdle() { l.state = max(l.state, closing) }

// abort breaks the connection as soon as whole answers that were written before have gone out.
func (l *lifecycle) abort() { l.state = max(l.state, aborting) }

// resets reports that the client is to see a broken connection, not an orderly end.
func (l *lifecycle) resets() bool { return l.resetOnLoss || l.broke }

// stop notes that the connection's actor is told to stop.
func (l *lifecycle) stop() {
	l.broke = l.broke || l.state == closing || l.state == aborting
	l.state = closed
}

// quietLeft is how long a draining connection has to be quiet yet. A poll may be about to be answered for a moment.
func (l *lifecycle) quietLeft(polls bool, since time.Duration) time.Duration {
	if polls {
		return max(l.drain.quiet, heldAfter) - since
	}
	return l.drain.quiet - since
}

// closeIfDue ends a connection that is to end, has nothing in flight in either direction, and has been quiet for a
// moment: a request that is on its way to us when we close would be lost, and a 4.9.4 client waits out its timeout for
// it (VERIFIED.md 6).
func (c *connection) closeIfDue() {
	if c.life.state == open || c.life.state == closed || c.life.handingOver() || c.out.sock.Kept() > 0 {
		return
	}
	if c.life.state == aborting {
		c.stop()
		return
	}
	polls := c.flight.count > 0
	if polls && !c.canReleasePolls() || c.flight.parksOthers() || !c.in.between() || !c.out.between() || !c.links.between() {
		return
	}
	if c.life.state == draining {
		if wait := c.life.quietLeft(polls, time.Duration(c.env.Now()-c.lastTraffic)); wait > 0 {
			c.watch(wait)
			return
		}
	}
	if polls {
		c.releasePolls()
		if c.out.sock.Kept() > 0 { // it goes on when that has gone out
			return
		}
	}
	c.stop()
}

// watch looks again later.
func (c *connection) watch(after time.Duration) {
	if d := c.life.order(); !d.watching {
		d.watching = true
		system.After(after, c.self, &lookAgain{})
	}
}

// stop ends the connection's actor.
func (c *connection) stop() {
	c.life.stop()
	c.ctx.Stop(c.ctx.Self())
}
