//go:build !linux

package transport

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// New makes the best transport of this system: goroutines. stop ends it.
func New(limits codec.Limits, window int, dialTimeout time.Duration) (t Transport, stop func(), err error) {
	return &Net{Limits: limits, Window: window, DialTimeout: dialTimeout}, func() {}, nil
}
