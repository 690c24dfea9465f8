package server

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// A successor whose configuration spells the host of a port differently has the port all the same.
func TestASuccessorMaySpellAnAddressDifferently(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	address, path := freePort(t), filepath.Join(t.TempDir(), "s")
	as := func(address string) func(*config.Config) {
		return func(c *config.Config) { c.Listeners[0].Address, c.HandOver = address, path }
	}
	first := start(t, cl, as(address))
	client := dialAs(t, first.broker(), oldClient)
	second := start(t, cl, as(strings.Replace(address, "127.0.0.1", "localhost", 1)))
	require.Equal(t, first.broker(), second.broker())
	first.Drain()
	first.end()
	first.logged("connections handed over", "connections=0", "handed_over=1")
	client.mustSend("hello")
}

// Many connections that are refused for one reason are one line, and the number of them is in the last one.
func TestRefusedConnectionsAreLoggedOnce(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	address, path := freePort(t), filepath.Join(t.TempDir(), "s")
	first := start(t, cl, func(c *config.Config) {
		c.Listeners[0].Address, c.HandOver, c.DrainGoAway = address, path, false
	})
	for range 5 {
		dialAs(t, first.broker(), oldClient)
	}
	start(t, cl, func(c *config.Config) {
		c.Listeners[0].Name, c.Listeners[0].Address, c.HandOver = "other", address, path
	})
	first.Drain()
	first.end()
	first.logged("connections handed over", "handed_over=0", "refused=5")
	require.Equal(t, 1, strings.Count(first.log.String(), "successor refused a connection"))
}
