//go:build !linux

package linear

import "testing"

var countable = false

// counter is not called by Steps.
func counter(t *testing.T) string {
	t.Skip("steps are counted on Linux only")
	return ""
}
