package connection

import (
	"sync"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

var deltas = sync.Pool{New: func() any { return new(messages.Delta) }}

// note is the delta that is being filled.
func (c *connection) note() *messages.Delta {
	if c.delta == nil {
		c.delta = deltas.Get().(*messages.Delta)
	}
	return c.delta
}

func (c *connection) sample(s messages.Sample) {
	d := c.note()
	d.Samples = append(d.Samples, s)
}

// flush enters what has happened into the book of our executor: once for all that one message brought.
func (c *connection) flush() {
	if c.delta != nil {
		c.recorder.Add(c.port, c.delta)
		*c.delta = messages.Delta{Samples: c.delta.Samples[:0]}
		deltas.Put(c.delta)
		c.delta = nil
	}
}
