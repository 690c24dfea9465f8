package route_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// A port that no client has been told may be any free one of the range; what clients know, or the file says, stays.
func TestPortThatNobodyKnowsMayBeAnother(t *testing.T) {
	a, b, fixed, saved := route.BrokerID{Name: "a"}, route.BrokerID{Name: "b"}, route.BrokerID{Name: "fixed"}, route.BrokerID{Name: "saved"}
	table, err := route.NewPortTable(route.PortOptions{Listen: route.PortRange{First: 20000, Last: 20004}, Fixed: map[route.BrokerID]int{fixed: 20001}},
		map[route.BrokerID]int{saved: 20003})
	require.NoError(t, err)
	place := func(b route.BrokerID) int {
		port, _, err := table.Place(b)
		require.NoError(t, err)
		return port
	}
	require.False(t, table.Elsewhere(fixed))
	require.False(t, table.Elsewhere(saved))
	require.Equal(t, 20000, place(a))
	require.True(t, table.Elsewhere(a))
	require.Equal(t, 20002, place(a), "the next that is free")
	require.Equal(t, 20000, place(b), "what it gave back is free for others to try")
	table.Told(a)
	require.False(t, table.Elsewhere(a))
	require.Equal(t, 20002, place(a))
	require.True(t, table.Elsewhere(b))
	require.Equal(t, 20004, place(b))
	require.False(t, table.Elsewhere(b), "the range is at its end")
	require.Equal(t, 20000, place(b), "and is tried again from the beginning")
}
