package server

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/handover"
)

// A listener on any free port, or one that shares its port with others anyway, claims no address.
func TestOnlyFixedAddressesAreClaimed(t *testing.T) {
	cfg := config.Default()
	for address, shared := range map[string]bool{"127.0.0.1:0": false, "10.0.0.1:1": true, "10.0.0.1:2": false} {
		l := config.DefaultListener()
		l.Name, l.Address, l.ReusePort = address, address, shared
		cfg.Listeners = append(cfg.Listeners, l)
	}
	require.Equal(t, []handover.Claim{{Listener: "10.0.0.1:2", Address: "10.0.0.1:2"}}, claims(cfg))
}

// A process that only looks whether the path answers leaves no trace in the log.
func TestLookingAtThePathIsNotAHandOver(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	f := serveFile(t, "hand_over = '"+path+"'\n"+clusterTable("main", rocketMQ(t, embedded.Options{}).NameServers()...)+listenerTable("office", "127.0.0.1:0", ""))
	for range 3 {
		looker, err := net.Dial("unix", path)
		require.NoError(t, err)
		_, err = looker.Read(make([]byte, 1))
		require.NoError(t, err)
		looker.Close() // with a part of the hello unread, which resets it
	}
	require.False(t, strings.Contains(f.log.String(), "hand-over interrupted"))
}
