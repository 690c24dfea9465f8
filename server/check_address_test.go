package server

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/admin"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// One token for both roles makes the reader an operator: check and serve refuse it, whatever surrounds it in the files.
func TestATokenIsOfOneRole(t *testing.T) {
	token, readToken := filepath.Join(t.TempDir(), "token"), filepath.Join(t.TempDir(), "read")
	require.NoError(t, os.WriteFile(token, []byte("hush\n"), 0o600))
	require.NoError(t, os.WriteFile(readToken, []byte("  hush"), 0o600))
	change := func(c *config.Config) { c.Admin.TokenFile, c.Admin.ReadTokenFile = token, readToken }
	require.Equal(t, []string{`admin.read_token_file = "` + readToken + `": its token is also that of admin.token_file; ` +
		`write another token into it: whoever may read could change everything`}, checked(t, change))
	cfg := config.Default()
	change(cfg)
	_, err := admin.NewPolicy(cfg.Admin, true)
	require.ErrorIs(t, err, admin.ErrSameToken)
}

// A host that is not one of this machine is told once, and its ports are not tried one after another.
func TestPortsOfAForeignHostAreNotTried(t *testing.T) {
	begun := time.Now()
	got := checked(t, func(c *config.Config) {
		c.Listeners[0].Address, c.Listeners[0].BrokerPorts = "192.0.2.1:0", config.PortRange{First: 1024, Last: 65535}
		c.Listeners[0].Ports = map[string]int{"broker-a/0": 20000}
	})
	require.Equal(t, []string{`listener[0].address = "192.0.2.1:0" of listener "dev": cannot be opened: cannot assign requested address; ` +
		`choose another address, or end the process that has it`}, got)
	require.Less(t, time.Since(begun), patience)
}
