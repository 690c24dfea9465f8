package transport

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What is read at a time has no more frames than a list that is used again: a longer one is garbage with each read, which
// grows faster than it is collected when many clients send the smallest frames.
func TestBuffersFitTheListsOfTheirFrames(t *testing.T) {
	for _, size := range []int{10, 11, 30, 60, 100, 127} {
		r := readSizer{size: minBuffer}
		for n := minBuffer; ; n = int(r.size) { // whatever there is room for comes
			r.next(n, n)
			r.fit(n, n/size)
			if int(r.size) <= n {
				break
			}
			require.LessOrEqual(t, int(r.size)/size, 2*maxPooledFrames, "the first read of a size tells")
		}
		require.LessOrEqual(t, int(r.size)/size, maxPooledFrames)
	}
	for _, frames := range []int{0, 1, 400} {
		r := readSizer{size: maxReadSize}
		r.fit(maxReadSize, frames)
		require.Equal(t, int32(maxReadSize), r.size, "ordinary frames are read as before")
	}
}
