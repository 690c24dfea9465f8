package stats

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
)

// Of a listener that was removed nothing stays, so that reloads do not make the proxy grow; others go on as before.
func TestRejectionsOfARemovedListenerAreForgotten(t *testing.T) {
	var log bytes.Buffer
	r := NewRejections(slog.New(slog.NewTextHandler(&log, nil)))
	client := netip.MustParseAddrPort("192.0.2.1:40000")
	for range 3 {
		r.Add("office", LateIdle, client, 0)
		r.Add("field", LateIdle, client, 0)
		r.Add("field", OverAddress, client, 0)
	}
	r.Forget("field")
	require.Len(t, r.lines, 1)
	log.Reset()
	r.Late("office", int64(system.SampleInterval))
	r.Late("field", int64(system.SampleInterval))
	require.Equal(t, 1, strings.Count(log.String(), "\n"))
	require.Contains(t, log.String(), "listener=office")
}
