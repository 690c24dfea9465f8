package transport

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// An idle client has two connections on loops. 240 is a size class of the allocator, the next one is 256.
func TestAConnectionOnALoopIsSmall(t *testing.T) {
	size := unsafe.Sizeof(loopConn{})
	t.Log(size, "bytes")
	require.LessOrEqual(t, size, uintptr(240))
}
