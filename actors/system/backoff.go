package system

import (
	"math/rand/v2"
	"time"
)

// Pause is how long to wait after failure n in a row, counted from 0: first, then twice as long each time up to longest,
// 20 % more or less, so that those that failed together do not try again together.
func Pause(first, longest time.Duration, n int) time.Duration {
	d := min(first<<min(n, 10), longest)
	return d - d/5 + rand.N(2*d/5)
}
