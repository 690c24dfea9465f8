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

// WithoutSpot is a header as the scanner returns it.
func (h Header) WithoutSpot() Header {
	h.spot, h.spotOff, h.spotEnd = 0, 0, 0
	return h
}

// SpotKeys are the ext fields whose places are remembered.
var SpotKeys = spotKeys

// Spot is the key whose place is known.
func (h *Header) Spot() string {
	if h.spot == 0 {
		return ""
	}
	return spotKeys[h.spot-1]
}
