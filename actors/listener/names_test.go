package listener_test

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// messageID is the offset message id that a broker at an address makes of offset 7.
func messageID(address string) string {
	a := netip.MustParseAddrPort(address)
	return fmt.Sprintf("%X%08X%016X", a.Addr().AsSlice(), a.Port(), 7)
}

// A broker that is registered under a host name puts the address of its machine into message ids and store hosts. What
// the name stands for is looked up, so clients are told the proxy's address all the same, also after the name has moved.
func TestStoreHostsOfABrokerWithAHostNameAreRewritten(t *testing.T) {
	const name, moved = "broker.example:10911", "10.0.1.9:10911"
	proxytest.InVirtualTime(t, proxytest.Options{Listener: func(l *actors.Listener) { l.RewriteIDs = true }}, func(t *testing.T, s *proxytest.Sim) {
		s.Network.Name(name, proxytest.AddressA)
		s.Cluster().Lookup = s.Network.Lookup
		s.StartNameServer(0, nil).Answers(proxytest.Knows(name))
		broker := s.FakeBroker(proxytest.AddressA)
		s.Start()
		client := s.Dial(s.Port(proxytest.BrokerA))
		var upstream *proxytest.Client
		told := func(own string) string {
			opaque := client.Request(codec.ReqSendMessageV2, "")
			if upstream == nil {
				upstream = broker.Accept()
			}
			a := upstream.Next().Answer(codec.ResSuccess, "")
			require.Equal(t, opaque, a.Opaque)
			a.Ext = map[string]string{"msgId": messageID(own)}
			upstream.WriteFrames(a)
			return client.Next().Ext["msgId"]
		}
		advertised := messageID(s.Port(proxytest.BrokerA))
		require.Equal(t, advertised, told(proxytest.AddressA))
		require.Equal(t, messageID(moved), told(moved), "it is not the broker's")

		s.Network.Name(name, moved)
		time.Sleep(time.Minute) // the proxy looks again
		require.Equal(t, advertised, told(moved))
		require.Equal(t, messageID(proxytest.AddressA), told(proxytest.AddressA))
	})
}

// A broker with brokerIP1=fd00::7 registers without brackets (fd00::7:10911). Its port opens, and leads to it.
func TestABrokerThatIsRegisteredWithoutBracketsIsReached(t *testing.T) {
	for _, host := range []string{"fd00::7", "::1", "2001:db8:0:0:0:0:0:1"} {
		proxytest.InVirtualTime(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
			s.StartNameServer(0, nil).Answers(proxytest.Knows(host + ":10911"))
			broker := s.FakeBroker(netip.AddrPortFrom(netip.MustParseAddr(host), 10911).String())
			s.Network.Name("["+host+"]:10911", broker.Address)
			s.Start()
			client := s.Dial(s.Port(proxytest.BrokerA))
			opaque := client.Request(codec.ReqGetMaxOffset, "")
			upstream := broker.Accept()
			upstream.Answer(upstream.Next(), "")
			require.Equal(t, opaque, client.Next().Opaque)
		})
	}
	// The same over real sockets, where this machine has IPv6.
	local, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, a := range local {
		if a.(*net.IPNet).IP.Equal(net.IPv6loopback) {
			proxytest.OnBoth(t, reachesUnbracketed)
			return
		}
	}
}

func reachesUnbracketed(t *testing.T, on proxytest.Sockets) {
	probe, err := net.Listen("tcp", "[::1]:0")
	require.NoError(t, err)
	port := probe.Addr().(*net.TCPAddr).Port
	require.NoError(t, probe.Close())
	cl := proxytest.StartCluster(t, embedded.Options{Brokers: []embedded.BrokerOptions{{
		Address: fmt.Sprintf("[::1]:%d", port), Advertise: fmt.Sprintf("::1:%d", port),
	}}})
	r := proxytest.Start(t, on, proxytest.Options{NameServers: cl.NameServers()})
	client := proxytest.Dial(t, r.Port(proxytest.BrokerA))
	require.Equal(t, codec.ResSuccess, client.Call(&codec.Command{Code: codec.ReqHeartBeat, Body: []byte(`{"clientID":"c"}`)}).Code)
}
