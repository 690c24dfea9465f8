//go:build linux

package process

import (
	"math/rand/v2"
	"runtime"
)

// Spin is a neighbor that wants all it can get of one core. It never returns.
func Spin() {
	runtime.GOMAXPROCS(1)
	for {
		rand.Uint64()
	}
}
