package freeport

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRange(t *testing.T) {
	mine := make(map[int]bool)
	for range 100 {
		first, err := Range(4)
		require.NoError(t, err)
		require.GreaterOrEqual(t, first, lowest)
		require.LessOrEqual(t, first+3, highest)
		for port := first; port < first+4; port++ {
			require.False(t, mine[port], "port %d was handed out before", port)
			mine[port] = true
		}
	}
}

// What listens on one address of the machine is in the way of servers that listen on all of them, as brokers do.
func TestTakenPortsAreNotFree(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	taken := ln.Addr().(*net.TCPAddr).Port
	require.False(t, allFree(taken-1, 3))
	require.Equal(t, ln.Addr().String(), Loopback(taken))
}
