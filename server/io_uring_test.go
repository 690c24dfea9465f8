package server

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// The log and a metric say whether io_uring is used, and why not.
func TestOperatorsSeeWhetherIOUringIsUsed(t *testing.T) {
	cl := rocketMQ(t, embedded.Options{})
	for _, value := range []string{config.IOUringAuto, config.IOUringOff} {
		r := run(t, configFor(t, cl.NameServers(), func(c *config.Config) { c.Transport.IOUring = value }))
		why, used := transport.IOUring(r.sockets), 0
		switch {
		case why == nil:
			used = 1
			r.logged(`msg="io_uring in use"`)
		default: // switched off, or not permitted here
			r.logged(`msg="io_uring not in use"`, why.Error())
		}
		if value == config.IOUringOff {
			require.ErrorIs(t, why, transport.ErrIOUringOff)
		} else {
			require.NotErrorIs(t, why, transport.ErrIOUringOff)
		}
		var page bytes.Buffer
		r.writeMetrics(&page)
		require.Contains(t, page.String(), fmt.Sprintf("\nrocketmq_proxy_io_uring_enabled %d\n", used))
	}
}

// A reload cannot change it, and says so.
func TestIOUringNeedsARestart(t *testing.T) {
	cl := rocketMQ(t, embedded.Options{})
	toml := clusterTable("main", cl.NameServers()...) + listenerTable("main", "127.0.0.1:0", "")
	f := serveFile(t, toml)
	result := f.change(toml + "[transport]\nio_uring = '" + otherIOUring() + "'\n")
	require.Len(t, result.NeedRestart, 1)
	require.True(t, strings.HasPrefix(result.NeedRestart[0], "transport.io_uring: "), result.NeedRestart)
	require.Equal(t, ioUring(), f.config().Transport.IOUring)
}
