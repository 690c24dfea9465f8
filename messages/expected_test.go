package messages

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What was expected is forgotten by itself between 117 and 134 ms later, and taken back until then.
func TestExpectedForgets(t *testing.T) {
	const ms = int64(time.Millisecond)
	for range 100 {
		var e Expected
		at := rand.Int64N(int64(time.Hour))
		e.Add(at, 1000)
		e.Add(at+10*ms, 100)
		require.Equal(t, int64(1100), e.Bytes(at+100*ms))
		e.Take(at, 1000)
		require.Equal(t, int64(100), e.Bytes(at+117*ms))
		require.Zero(t, e.Bytes(at+145*ms))
		e.Add(at+145*ms, 7)
		e.Take(at+10*ms, 100)
		require.Equal(t, int64(7), e.Bytes(at+145*ms), "what is forgotten cannot be taken")
		e.AddStuck(50)
		require.Equal(t, int64(50), e.Bytes(at+int64(time.Hour)))
		e.AddStuck(-50)
		require.Zero(t, e.Bytes(at+int64(time.Hour)))
	}
}

// Everybody may change it at the same time.
func TestExpectedAddsUp(t *testing.T) {
	var e Expected
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range int64(1000) {
				e.Add(i*1000, 3)
				e.Take(i*1000, 2)
			}
		})
	}
	all.Wait()
	require.Equal(t, int64(8000), e.Bytes(1000*1000))
}
