package server

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// The limit of connections is what fits into the open files that the system allows, shared by all listeners.
func TestTheConnectionLimitFitsTheOpenFiles(t *testing.T) {
	f := func(configured, listeners int, allowed uint64, want int) {
		t.Helper()
		cfg := config.Default()
		cfg.Limits.ConnectionsPerListener, cfg.Listeners = configured, make([]config.Listener, listeners)
		require.Equal(t, want, connectionLimit(cfg, allowed))
	}
	f(30000, 1, 1<<20, 30000)
	f(30000, 1, 20256, 10000)
	f(30000, 2, 20256, 5000)
	f(0, 1, 20256, 10000)
	f(100, 1, 20256, 100)
	f(30000, 1, 0, 30000) // unknown
	f(30000, 1, 100, 25)
	f(30000, 9, 2, 1)
	f(0, 1, ^uint64(0), int((1<<40-256)/2)) // no limit at all
}
