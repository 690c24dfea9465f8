package stories

import (
	"encoding/json"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// TestBrokersSeeTheClient connects from an address of its own and has a real broker tell who it thinks is there. Born
// hosts of messages are no proof: 5.5.0 takes them from the socket, so they are the proxy's with and without the header.
func TestBrokersSeeTheClient(t *testing.T) {
	t.Parallel()
	real := harness.DirectTarget(t, "5.5.0")
	proxied := harness.ConfiguredProxy(t, harness.ProxyConfig{
		NameServer: real.NameServer,
		Cluster:    "send_proxy_protocol = true",
		Listener:   `proxy_protocol_from = ["127.0.0.3"]`,
	})
	brokers, err := harness.Masters(t.Context(), proxied.NameServer)
	require.NoError(t, err)
	address := brokers["broker-a"]
	require.NotEqual(t, real.Brokers["broker-a"], address)

	t.Run("client", func(t *testing.T) {
		conn := dialFrom(t, "127.0.0.2", address)
		own, err := netip.ParseAddrPort(conn.LocalAddr().String())
		require.NoError(t, err)
		brokerSees(t, real, conn, own)
	})
	t.Run("client behind a balancer", func(t *testing.T) {
		conn := dialFrom(t, "127.0.0.3", address)
		_, err := conn.Write([]byte("PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\n"))
		require.NoError(t, err)
		brokerSees(t, real, conn, netip.MustParseAddrPort("192.0.2.1:1000"))
	})
}

// brokerSees uses a connection to broker-a as a client does, and asks the broker who that was.
func brokerSees(t *testing.T, real *harness.Target, conn net.Conn, client netip.AddrPort) {
	group, topic := harness.Unique(t, "group"), real.TopicOnOneBroker(t, 1)
	beat, err := json.Marshal(map[string]any{"clientID": harness.Unique(t, "client"), "producerDataSet": []any{}, "consumerDataSet": []any{map[string]any{
		"groupName": group, "consumeType": "CONSUME_PASSIVELY", "messageModel": "CLUSTERING", "consumeFromWhere": "CONSUME_FROM_FIRST_OFFSET",
		"subscriptionDataSet": []any{map[string]any{"topic": topic, "subString": "*", "subVersion": 1}},
	}}})
	require.NoError(t, err)
	a, err := harness.Exchange(t.Context(), conn, 34, nil, beat) // HEART_BEAT
	require.NoError(t, err)
	require.Zero(t, a.Code, a.Remark)

	a, err = harness.Call(t.Context(), real.Brokers["broker-a"], 203, map[string]string{"consumerGroup": group}) // GET_CONSUMER_CONNECTION_LIST
	require.NoError(t, err)
	require.Zero(t, a.Code, a.Remark)
	require.Contains(t, string(a.Body), `"clientAddr":"`+client.String()+`"`)
}

// dialFrom connects from another address of the loopback network.
func dialFrom(t *testing.T, host, address string) net.Conn {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(host)}}
	conn, err := dialer.DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}
