package system

import (
	"math/rand/v2"
	"time"
)

// Pause is how long to wait after the n-th failure in a row, counted from 0: it doubles up to the longest, give or take
// a fifth, as others wait for the same broker.
func Pause(first, longest time.Duration, n int) time.Duration {
	d := min(first<<min(n, 10), longest)
	return d - d/5 + rand.N(2*d/5)
}
