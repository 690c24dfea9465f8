package listener_test

import (
	"fmt"
	"io"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// While all permits are taken every port of the listener refuses; when one is free again it opens.
func TestConnectionsPerListener(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{Settings: actors.Settings{ConnectionsPerListener: 3}, Listeners: []string{"office", "branch"}}, func(t *testing.T, s *proxytest.Sim) {
		one, two := s.Dial(proxytest.OfficePort), s.Dial(proxytest.OfficeBrokerPort)
		require.False(t, s.Refuses(proxytest.OfficePort))
		three := s.Dial(proxytest.OfficeBrokerPort)
		require.True(t, s.Refuses(proxytest.OfficePort))
		require.True(t, s.Refuses(proxytest.OfficeBrokerPort))
		require.False(t, s.Refuses(proxytest.BranchPort), "another listener")
		require.Equal(t, 1, s.Rejections("office", "connections_per_listener"))
		require.Equal(t, 1, s.Metric(`rocketmq_proxy_listener_full{listener="office"}`))

		late := s.DialFrom(proxytest.OfficeBrokerPort, "198.51.100.7:1") // was in the queue when the port was paused
		require.False(t, late.Open())
		require.Equal(t, 2, s.Rejections("office", "connections_per_listener"))

		two.Close()
		synctest.Wait()
		require.False(t, s.Refuses(proxytest.OfficePort))
		require.False(t, s.Refuses(proxytest.OfficeBrokerPort))
		require.Equal(t, 0, s.Metric(`rocketmq_proxy_listener_full{listener="office"}`))
		s.Dial(proxytest.OfficeBrokerPort)
		require.True(t, s.Refuses(proxytest.OfficePort))
		require.True(t, one.Open())
		require.True(t, three.Open())
	})
}

// An address has its number of connections; others are not concerned, and a connection that ends makes room.
func TestConnectionsPerAddress(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{Settings: actors.Settings{ConnectionsPerAddress: 2}}, func(t *testing.T, s *proxytest.Sim) {
		in := func(from string, want bool) *proxytest.Client {
			t.Helper()
			c := s.DialFrom(proxytest.OfficePort, from)
			require.Equal(t, want, c.Open(), from)
			return c
		}
		first := in("198.51.100.7:1", true)
		in("198.51.100.7:2", true)
		in("198.51.100.7:3", false)
		in("198.51.100.8:1", true)
		first.Close()
		synctest.Wait()
		in("198.51.100.7:4", true)
		in("198.51.100.7:5", false)
		in("[2001:db8:1:2::1]:1", true)
		in("[2001:db8:1:2:3::9]:1", true)
		in("[2001:db8:1:2:4::9]:1", false) // the same /64
		in("[2001:db8:1:3::1]:1", true)
		require.Equal(t, 3, s.Rejections("office", "connections_per_address"))
	})
}

// However many are rejected, a line each 10 s tells it, with the number of the others.
func TestRejectionsAreLoggedAtABoundedRate(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{Settings: actors.Settings{ConnectionsPerAddress: 1}}, func(t *testing.T, s *proxytest.Sim) {
		s.Dial(proxytest.OfficePort)
		for range 50 {
			s.DialFrom(proxytest.OfficePort, "198.51.100.7:1")
		}
		require.Len(t, s.Log.Lines("limits.connections_per_address"), 1)
		time.Sleep(16 * time.Second)
		lines := s.Log.Lines("limits.connections_per_address")
		require.Len(t, lines, 2)
		require.NotContains(t, lines[0], "suppressed")
		require.Contains(t, lines[1], "suppressed=48")
		time.Sleep(time.Minute)
		require.Len(t, s.Log.Lines("limits.connections_per_address"), 2)
		require.Equal(t, 50, s.Rejections("office", "connections_per_address"))
	})
}

// What a handshake rejects is told in the same way, with the reason of the last one.
func TestRejectionsOfHandshakesAreLoggedAtABoundedRate(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		require.Equal(t, 0, s.Rejections("office", transport.RejectedPlain))
		refused := s.Env.Rejected("office")
		for i := range 50 {
			refused(transport.Rejection{Reason: transport.RejectedPlain, Remote: netip.MustParseAddrPort("198.51.100.7:1"), Err: fmt.Errorf("no %d", i)})
		}
		refused(transport.Rejection{Reason: transport.RejectedTimeout, Err: io.EOF})
		time.Sleep(time.Minute)
		lines := s.Log.Lines(`msg="connection rejected before its first frame" listener=office client=198.51.100.7:1 reason=tls_required`)
		require.Len(t, lines, 2)
		require.Contains(t, lines[0], `error="no 0"`)
		require.NotContains(t, lines[0], "suppressed")
		require.Contains(t, lines[1], `error="no 49" suppressed=48`)
		require.Len(t, s.Log.Lines("reason=handshake_timeout"), 1)
		require.Equal(t, 50, s.Rejections("office", transport.RejectedPlain))
	})
}
