package connection

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// Polls that a broker holds are not work that a drain waits for, or it would last as long as they are held. The upstream
// is closed first, so that the broker no longer gives them anything, then they are answered as if nothing had come,
// and then the client's connection ends.

// heldAfter is how long a poll is without an answer before it is taken for one that is held.
const heldAfter = 100 * time.Millisecond

// canReleasePolls reports that nothing but polls is in flight, all of which can be answered that they come again.
func (c *connection) canReleasePolls() bool {
	if c.life.state != draining || !c.flight.onlyPolls() {
		return false
	}
	for x := range c.flight.table.all() {
		if pulls(x) && x.AskedOffset == messages.NoOffset { // of an earlier version, or one that the broker refuses
			return false
		}
	}
	return true
}

func pulls(x *messages.Exchange) bool {
	code, _ := route.PollAgain(x.Header.Code, 0)
	return !x.Tombstone && code == codec.ResPullNotFound
}

// releasePolls answers all requests in flight, which are polls.
func (c *connection) releasePolls() {
	c.answerHeld()
	for i := range c.links.len() {
		if l := c.links.at(i); l.exists() {
			c.releasePollsOf(l)
		}
	}
}

func (c *connection) releasePollsOf(l *link) {
	l.epoch = c.links.nextEpoch(l) // what still comes of the upstream is dropped
	l.down(l.address)
	l.upstream.Deliver(&messages.Leave{})
	for _, x := range c.flight.relayed(l.number) {
		if x.Tombstone {
			c.flight.remove(x)
			continue
		}
		c.unrelay(x)
		code, ext := route.PollAgain(x.Header.Code, x.AskedOffset)
		x.Reply.Ext = ext
		c.reply(x, code, "", nil)
	}
}
