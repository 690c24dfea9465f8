package harness

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

func TestRouteWatchKeepsWhatWasToldOfItsTopic(t *testing.T) {
	c, err := embedded.Start(embedded.Options{Brokers: []embedded.BrokerOptions{{Name: "broker-a"}, {Name: "broker-b"}}})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	nameServer := c.NameServers()[0]
	brokers, err := Masters(t.Context(), nameServer)
	require.NoError(t, err)
	for _, topic := range []string{"watched", "other"} {
		require.NoError(t, CreateTopic(t.Context(), nameServer, brokers, topic, 1))
	}

	w := WatchRoutes(t, nameServer, "watched")
	for _, topic := range []string{"other", "watched", "absent"} {
		want, err := RouteOf(t.Context(), nameServer, topic)
		require.NoError(t, err)
		got, err := RouteOf(t.Context(), w.Address(), topic)
		require.NoError(t, err)
		require.Equal(t, want, got, "what it passes on")
	}
	looks := w.Looks()
	require.Len(t, looks, 1)
	require.Equal(t, []string{"broker-a", "broker-b"}, looks[0].Brokers)
}
