package connection

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// An idle client costs what its connection does, in the allocator's size classes: 384, 416, 448. What grows beyond one
// stands behind a pointer, that is nil while the client is idle.
func TestAnIdleConnectionIsSmall(t *testing.T) {
	size := unsafe.Sizeof(connection{})
	t.Log(size, "bytes")
	require.LessOrEqual(t, size, uintptr(416))
}
