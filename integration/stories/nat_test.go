package stories

import (
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
	"testing"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// behindNAT is a proxy with one port that clients know by another address and port, those of a NAT, a load balancer or a
// NodePort in front. A client that connects to the proxy itself fails its test, as one does that connects to a broker.
func behindNAT(t *testing.T, topic string, brokers ...string) *harness.Target {
	t.Helper()
	var options embedded.Options
	for _, name := range brokers {
		options.Brokers = append(options.Brokers, embedded.BrokerOptions{Name: name})
	}
	cluster := harness.OwnEmbedded(t, options)
	require.NoError(t, cluster.CreateTopic(topic, 4))
	nat := harness.StartNAT(t)
	host, port, err := net.SplitHostPort(nat.Address())
	require.NoError(t, err)
	target := harness.ConfiguredProxy(t, harness.ProxyConfig{
		NameServer: cluster.NameServers()[0], OnePort: true,
		Listener: fmt.Sprintf("advertise = %q\nadvertise_ports = %s\n", host, port),
	})
	nat.Switch(target.Proxy.Listen)
	harness.GuardServer(t, "the proxy, past the NAT", target.Proxy.Listen)
	target.NameServer = nat.Address()
	target.Brokers, err = harness.Masters(t.Context(), target.NameServer)
	require.NoError(t, err)
	require.Len(t, target.Brokers, len(brokers))
	for name, address := range target.Brokers {
		require.Equal(t, nat.Address(), address, "of %s", name)
	}
	return target
}

// TestGoClientBehindNAT sends and consumes by the advertised address alone, which message ids have as well.
func TestGoClientBehindNAT(t *testing.T) {
	t.Parallel()
	const topic = "BehindNAT"
	target := behindNAT(t, topic, "broker-a")
	in, p := target.Consume(t, topic), target.Producer(t)
	bodies := harness.RandomBodies(30)
	for _, body := range bodies {
		result := harness.Send(t, p, primitive.NewMessage(topic, body))
		require.Equal(t, target.NameServer, addressIn(t, result.OffsetMsgID))
	}
	in.AwaitExactly(t, bodies)
	for _, m := range in.All() {
		require.Equal(t, target.NameServer, m.StoreHost)
	}
}

// addressIn is the broker's address in a message id: four bytes of IP and four of port (MessageDecoder.java#createMessageId).
func addressIn(t *testing.T, id string) string {
	t.Helper()
	b, err := hex.DecodeString(id)
	require.NoError(t, err)
	require.Len(t, b, 16)
	return net.JoinHostPort(net.IP(b[:4]).String(), strconv.Itoa(int(b[6])<<8|int(b[7])))
}

// The same with clients of Java: 5.5.0 names its broker, so there may be two, and 4.9.4 does not.
func TestJavaClientsBehindNAT(t *testing.T) {
	for version, brokers := range map[string][]string{"5.5.0": {"broker-a", "broker-b"}, "4.9.4": {"broker-a"}} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			const topic = "BehindNAT"
			shell := harness.StartJavaShell(t, version)
			target := behindNAT(t, topic, brokers...)
			require.NoError(t, shell.StartMember(target.NameServer, topic, harness.Unique(t, "group"), harness.Unique(t, "client")))
			require.NoError(t, shell.StartProducer(target.NameServer, topic, harness.Unique(t, "producer"), harness.Unique(t, "client")))
			awaitStored(t, shell, 50)
			require.NoError(t, shell.StopProducer())
			awaitAllReceived(t, shell)
		})
	}
}
