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
	h.spots = [spotKinds]spot{}
	return h
}

// SpotKeys are the ext fields whose places are remembered.
var SpotKeys = spotKeys

// Spots are the keys whose places are known.
func (h *Header) Spots() (keys []string) {
	for _, s := range h.spots {
		if s.key > 0 {
			keys = append(keys, spotKeys[s.key-1])
		}
	}
	return keys
}
