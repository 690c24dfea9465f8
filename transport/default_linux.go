package transport

import (
	"runtime"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// New makes the best transport of this system: one event loop for each core that Go may use. stop ends it.
// Window and budget are as in Net.
func New(limits codec.Limits, window, budget int, dialTimeout time.Duration) (t Transport, stop func(), err error) {
	loops, err := NewLoops(runtime.GOMAXPROCS(0), limits, window, budget, dialTimeout)
	if err != nil {
		return nil, nil, err
	}
	return loops, loops.Close, nil
}
