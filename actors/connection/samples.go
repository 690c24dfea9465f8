package connection

import (
	"sync"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/stats"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// samples gathers what happens on a connection while it works on one message.
type samples struct {
	delta *messages.Delta // nil: nothing has happened
}

var deltas = sync.Pool{New: func() any { return new(messages.Delta) }}

// note is the delta that is being filled.
func (s *samples) note() *messages.Delta {
	if s.delta == nil {
		s.delta = deltas.Get().(*messages.Delta)
	}
	return s.delta
}

func (s *samples) add(one messages.Sample) { s.note().Add(one) }

// flush enters what has happened into the recorder: once for all that one message brought.
func (s *samples) flush(recorder *stats.Recorder, port *messages.Port) {
	if s.delta != nil {
		recorder.Add(port, s.delta)
		*s.delta = messages.Delta{Samples: s.delta.Samples[:0]}
		deltas.Put(s.delta)
		s.delta = nil
	}
}
