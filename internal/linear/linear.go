// Package linear tells tests whether work grows in proportion to its input, as it must for whatever peers send: else a
// few of them keep an event loop from all others.
package linear

import (
	"runtime"
	"testing"
	"time"
)

// How much more twice the input may cost. Work that grows with the square costs four times as much. Work that allocates
// gets more room: slices that grow by append double while they are small and grow by a quarter from then on, and memory
// costs more once it leaves the caches.
const (
	limit           = 2.2
	limitAllocating = 2.5
)

// slack is for what others allocate meanwhile.
const slack = 64 << 10

// rounds of measuring; the least of each side counts, because neighbors on the machine only ever add to it.
const rounds = 20

// Require fails t unless twice the input is at most 2.2 times the work, in each way in which that can be measured.
func Require(t *testing.T, n int, prepare func(n int) func()) {
	t.Helper()
	Steps(t, n, prepare)
	Cost(t, n, prepare)
}

// Cost fails t unless twice the input costs at most 2.2 times as much (2.5 times, where it allocates): in bytes allocated
// for inputs of 8n and 16n, and in CPU time for n and 4n, the square of that. prepare makes the input and returns the work.
func Cost(t *testing.T, n int, prepare func(n int) func()) {
	t.Helper()
	if counting() {
		return
	}
	limit := requireLinearGarbage(t, 8*n, prepare)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	once, more := prepare(n), prepare(4*n)
	least := [2]time.Duration{1 << 62, 1 << 62}
	for range rounds {
		least[0], least[1] = min(least[0], cpu(once)), min(least[1], cpu(more))
		if float64(least[1]) <= limit*limit*float64(least[0]) {
			return
		}
	}
	t.Fatalf("CPU time: %v for %d, %v for %d", least[0], n, least[1], 4*n)
}

// requireLinearGarbage compares the bytes allocated for n and 2n, and returns the limit for this work.
func requireLinearGarbage(t *testing.T, n int, prepare func(n int) func()) float64 {
	t.Helper()
	once, twice := allocated(prepare(n)), allocated(prepare(2*n))
	if float64(twice) > limitAllocating*float64(once)+slack {
		t.Fatalf("bytes allocated: %d for %d, %d for %d", once, n, twice, 2*n)
	}
	if once > slack {
		return limitAllocating
	}
	return limit
}

// allocated is how many bytes one call allocates.
func allocated(work func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	work()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// cpu is what one call takes of this thread, as the mean of enough of them for the clock.
func cpu(work func()) time.Duration {
	calls := time.Duration(0)
	start := threadTime()
	for calls == 0 || threadTime()-start < 300*time.Microsecond {
		work()
		calls++
	}
	return (threadTime() - start) / calls
}
