//go:build !linux

package linear

import "testing"

// counter skips the test: only Linux runs a binary whose file no longer has a name.
func counter(t *testing.T) string {
	t.Skip("steps are counted on Linux")
	return ""
}
