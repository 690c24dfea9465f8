package linear

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

var text = strings.Repeat("x", 1000)

// once is work in proportion to n.
func once(n int) func() {
	return func() { codec.AppendJSONString(nil, text[:n]) }
}

// square is work in proportion to the square of n.
func square(n int) func() {
	return func() {
		for i := range n {
			once(i)()
		}
	}
}

// Counters tell steps in proportion to n from its square, always by the same numbers, and do not count what prepare does.
func TestStepsAreCounted(t *testing.T) {
	a, b := count(t, 200, once)
	c, d := count(t, 200, func(n int) func() {
		square(n)()
		return once(n)
	})
	e, f := count(t, 200, square)
	Steps(t, 200, once)
	if counting() {
		return
	}
	require.InDelta(t, 2*a, b, 10)
	require.Equal(t, []int{a, b}, []int{c, d})
	require.InDelta(t, 4*e, f, float64(e)/10)
}

// Where steps cannot be counted, what the work costs is measured all the same.
func TestWithoutCountersTheCostIsMeasured(t *testing.T) {
	was := countable
	countable = false
	defer func() {
		countable = was
		if t.Skipped() {
			t.Error("nothing was measured")
		}
	}()
	measured := 0
	Require(t, 100, func(n int) func() {
		measured++
		return once(n / 16)
	})
	require.Positive(t, measured)
}
