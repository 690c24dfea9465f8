package codec

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Knows reports whether the layout of the first header matches the second.
func Knows(t testing.TB, first, second []byte, enc Encoding) bool {
	t.Helper()
	var h Header
	require.NoError(t, h.Scan(first, enc))
	return newLayout(first, &h).match(second, &h)
}
