//go:build !linux

package transport

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// New makes the best transport of this system: goroutines. stop ends it.
// Window and budget are as in Net.
func New(limits codec.Limits, window, budget int, dialTimeout time.Duration, _ ...Option) (t Transport, stop func(), err error) {
	return &Net{Limits: limits, Window: window, Budget: budget, DialTimeout: dialTimeout}, func() {}, nil
}
