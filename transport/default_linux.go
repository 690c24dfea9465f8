package transport

import (
	"runtime"
	"sync"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// cores is how many cores Go may use. From the first call on it has one P more than that, for the goroutines beside the
// loops: while all Ps wait in system calls or work, Go's monitor thread looks every 20 µs for one to take away, and
// costs a fifth of a busy proxy's CPU; an idle one lets it sleep.
var cores = sync.OnceValue(func() int {
	n := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(n + 1)
	return n
})

// New makes the best transport of this system: one event loop for each core that Go may use. stop ends it.
// Window and budget are as in Net.
func New(limits codec.Limits, window, budget int, dialTimeout time.Duration, options ...Option) (t Transport, stop func(), err error) {
	loops, err := NewLoops(cores(), limits, window, budget, dialTimeout, options...)
	if err != nil {
		return nil, nil, err
	}
	return loops, loops.Close, nil
}
