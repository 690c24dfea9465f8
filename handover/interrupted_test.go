package handover

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// An offer that comes without its socket is refused, and counts as refused; the next one on the same connection is
// served.
func TestAnOfferWithoutASocketIsRefused(t *testing.T) {
	path := newPath(t)
	successor := serve(t, path, &fakeProxy{})
	c, _ := call(t, path)
	require.NoError(t, c.send(request{State: &messages.ConnectionState{Listener: "main"}, Version: Version}))
	var r reply
	_, err := c.receive(&r)
	require.NoError(t, err)
	require.Equal(t, "no socket came with it", r.Refused)

	p, client := parcel(t, "main")
	require.NoError(t, c.send(request{State: &p.State, Version: Version}, p.Client))
	_, err = c.receive(&r)
	require.NoError(t, err)
	require.NoError(t, c.send(request{Start: true}))
	c.close()
	closeFD(p.Client)
	require.Eventually(t, func() bool { return successor.proxy.count() == 1 }, patience, time.Millisecond)
	owned(t, client)
	requireAdopted(t, successor, "count=1 refused=1")
}

// A hand-over that breaks off in the middle of a message is logged once as interrupted, with what became of it.
func TestAnInterruptedHandOverIsLoggedOnce(t *testing.T) {
	path := newPath(t)
	successor := serve(t, path, &fakeProxy{})
	c, _ := call(t, path)
	p, client := parcel(t, "main")
	require.NoError(t, c.send(request{State: &p.State, Version: Version}, p.Client))
	var r reply
	_, err := c.receive(&r)
	require.NoError(t, err)
	require.Empty(t, r.Refused)
	_, err = c.nc.Write([]byte{0, 0, 0, 100, '{'})
	require.NoError(t, err)
	c.close()
	requireAdopted(t, successor, "count=0 refused=1")
	require.Equal(t, 1, strings.Count(successor.log.String(), "hand-over interrupted"))
	closeFD(p.Client)
	gone(t, client)
}

// requireAdopted waits for the line that ends a hand-over.
func requireAdopted(t *testing.T, s *serving, facts string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(s.log.String(), "connections adopted") }, patience, time.Millisecond)
	require.Contains(t, s.log.String(), `msg="connections adopted" `+facts)
}
