package connection

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// links are the connection's paths to its upstreams.
type links struct {
	solo link // the only one of a port that stands for one broker, or for the name servers
}

// len is how many there are, and at is one of them, by its number.
func (ls *links) len() int { return 1 }

func (ls *links) at(int) *link { return &ls.solo }

// of is the link that an epoch belongs to; nil: the epoch is over.
func (ls *links) of(epoch int32) *link {
	for i := range ls.len() {
		if l := ls.at(i); l.epoch == epoch {
			return l
		}
	}
	return nil
}

// nextEpoch is the one that follows on a link.
func (ls *links) nextEpoch(l *link) int32 { return l.epoch + 1 }

// between reports that no upstream is in the middle of a frame.
func (ls *links) between() bool {
	for i := range ls.len() {
		if ls.at(i).continuation != boundary {
			return false
		}
	}
	return true
}

// release gives back what is expected of them.
func (ls *links) release() {
	for i := range ls.len() {
		ls.at(i).bulk.release()
	}
}

// bytes is what is kept beside them, in memory.
func (ls *links) bytes() (n int) {
	for i := range ls.len() {
		n += ls.at(i).bulk.cost()
	}
	return n
}

// destination is where a link leads.
func (c *connection) destination(*link) messages.Destination { return c.port.To }

// linkTo is the link to a broker; nil: there is none.
func (c *connection) linkTo(ref messages.BrokerRef) *link {
	if c.serves(ref) {
		return &c.links.solo
	}
	return nil
}
