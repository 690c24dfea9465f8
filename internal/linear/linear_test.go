package linear

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// What Cost must tell apart: steps in proportion to n, and to its square.
func TestSquaresAreTold(t *testing.T) {
	runtime.LockOSThread() // its clock is read
	defer runtime.UnlockOSThread()
	work := func(steps int) func() {
		return func() {
			sum := 0
			for i := range steps {
				sum += i ^ sum
			}
			sink = sum
		}
	}
	Cost(t, 50_000, work)
	least := func(w func()) (d float64) {
		d = 1e18
		for range 50 {
			d = min(d, float64(cpu(w)))
		}
		return d
	}
	require.Greater(t, least(work(800*800))/least(work(200*200)), limitAllocating*limitAllocating)
}

var sink int
