package rewrite

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Eight digits at a time are read as one after another, whatever byte stands at any place, and written as they are read.
func TestHexDigitsAreReadAsTheLibraryDoes(t *testing.T) {
	for _, digits := range []string{"0123456789abcdef", "fFfFfFfFfFfFfFfF", "0000000000000000"} {
		for at := range digits {
			for b := range 256 {
				src := []byte(digits)
				src[at] = byte(b)
				var want, got [8]byte
				_, err := hex.Decode(want[:], src)
				require.Equal(t, err == nil, decodeHex(got[:], src), "%q", src)
				if err != nil {
					continue
				}
				require.Equal(t, want, got, "%q", src)
				back := make([]byte, len(src))
				encodeHex(back, got[:])
				require.Equal(t, strings.ToUpper(string(src)), string(back))
			}
		}
	}
}
