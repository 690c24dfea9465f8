package server

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/freeport"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// A new advertised host is told to clients that are connected already.
func TestReloadAdvertise(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	f := serveFile(t, office(cl, "127.0.0.1:0", ""))
	names := dial(t, f.Addr("office"))
	before := names.brokers("News")["broker-a"]
	_, port, err := net.SplitHostPort(before)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:"+port, before)
	result := f.change(office(cl, "127.0.0.1:0", "advertise = 'mq.example.com'"))
	require.Equal(t, []string{`listener "office" advertise: "" → "mq.example.com"`}, result.AtOnce)
	require.Equal(t, "mq.example.com:"+port, names.brokers("News")["broker-a"])
	_, page := f.request("GET", "/brokers", "")
	require.Contains(t, page, `"mq.example.com:`+port+`"`)
	f.change(office(cl, "127.0.0.1:0", ""))
	require.Equal(t, before, names.brokers("News")["broker-a"])
}

// Message ids are rewritten, or no longer, on connections that are open.
func TestReloadRewriteMessageIDs(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	f := serveFile(t, office(cl, "127.0.0.1:0", "rewrite_message_ids = false"))
	c := f.toBroker("office", "broker-a")
	// An offset message id begins with IPv4 address and port in hexadecimal.
	place := func(address net.Addr) string { return fmt.Sprintf("7F000001%08X", address.(*net.TCPAddr).Port) }
	theirs := c.mustSend("1").Ext["msgId"][:16]
	require.NotEqual(t, place(c.Conn.RemoteAddr()), theirs)
	f.change(office(cl, "127.0.0.1:0", ""))
	require.Equal(t, place(c.Conn.RemoteAddr()), c.mustSend("2").Ext["msgId"][:16])
	f.change(office(cl, "127.0.0.1:0", "rewrite_message_ids = false"))
	require.Equal(t, theirs, c.mustSend("3").Ext["msgId"][:16])
}

// New connections are counted under the new prefix; those that are open stay where they are.
func TestReloadStatPrefix(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	f := serveFile(t, office(cl, "127.0.0.1:0", ""))
	c := f.toBroker("office", "broker-a")
	c.mustSend("1")
	result := f.change(office(cl, "127.0.0.1:0", "stat_prefix = 'edge'"))
	require.Equal(t, []string{`listener "office" stat_prefix: "main" → "edge"`}, result.ForNew)
	_, page := f.request("GET", "/stats", "")
	require.Contains(t, page, "rocketmq.edge.send_message_v2: 0\n")
	c.mustSend("2")
	f.toBroker("office", "broker-a").mustSend("3")
	f.await(func() bool {
		_, page := f.request("GET", "/stats", "")
		return strings.Contains(page, "rocketmq.main.send_message_v2: 2\n") && strings.Contains(page, "rocketmq.edge.send_message_v2: 1\n")
	}, "both count")
}

// The new address is open when the reload returns, the old one is not; its connections finish, those of brokers stay.
func TestReloadAddress(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	one, two := freePort(t), freePort(t)
	f := serveFile(t, office(cl, one, ""))
	names, c := dial(t, one), f.toBroker("office", "broker-a")
	held := cl.NameServer(0).Fault(codec.ReqGetKVListByNamespace, embedded.Hold())
	names.Send(&codec.Command{Code: codec.ReqGetKVListByNamespace, Ext: map[string]string{"namespace": "x"}})
	require.NoError(t, held.WaitHits(t.Context(), 1))
	f.change(office(cl, two, ""))
	require.Equal(t, two, f.Addr("office"))
	require.Equal(t, c.Conn.RemoteAddr().String(), dial(t, two).brokers("News")["broker-a"])
	_, err := net.Dial("tcp", one)
	require.Error(t, err)
	held.Release()
	_ = names.Next()
	names.Ends()
	c.mustSend("same connection")
}

// Two listeners may change places: what each wants, the other has.
func TestReloadSwapsAddresses(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	one, two := freePort(t), freePort(t)
	both := func(a, b string) string {
		return clusterTable("main", cl.NameServers()...) + listenerTable("a", a, "advertise = 'a.example.com'") + listenerTable("b", b, "advertise = 'b.example.com'")
	}
	f := serveFile(t, both(one, two))
	f.change(both(two, one))
	f.await(func() bool { return f.Addr("a") == two && f.Addr("b") == one }, "both are open")
	require.Contains(t, dial(t, one).brokers("News")["broker-a"], "b.example.com:")
	require.Contains(t, dial(t, two).brokers("News")["broker-a"], "a.example.com:")
}

// The port of the VIP channel of a one-port listener opens and closes by a reload, and another listener may get it, or had it.
func TestReloadVIPChannelOnOnePort(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{VIPChannel: true})
	first, err := freeport.Range(4)
	require.NoError(t, err)
	one := func(vip bool) string {
		return clusterTable("main", cl.NameServers()...) + fmt.Sprintf(
			"[[listener]]\nname = 'office'\naddress = %q\nbrokers = 'one-port'\nvip_channel = %t\n", freeport.Loopback(first+2), vip)
	}
	at := freeport.Loopback(first)
	f := serveFile(t, one(false))
	_, err = net.Dial("tcp", at)
	require.Error(t, err)

	result := f.change(one(true))
	require.Equal(t, []string{`listener "office" vip_channel: false → true`}, result.AtOnce)
	vip := dial(t, at)
	require.Equal(t, codec.ResSuccess, vip.Call(&codec.Command{Code: codec.ReqGetBrokerConfig}).Code)

	f.change(one(false) + listenerTable("other", at, ""))
	f.await(func() bool { return f.Addr("other") == at }, "the port is another listener's")
	vip.Ends()
	require.Contains(t, dial(t, at).brokers("News"), "broker-a")

	f.change(one(true) + listenerTable("other", freeport.Loopback(first+1), ""))
	f.await(func() bool {
		nc, err := net.Dial("tcp", at)
		if err != nil {
			return false
		}
		nc.Close()
		return f.Addr("other") == freeport.Loopback(first+1)
	}, "it is back")
	f.change(one(false))
	_, err = net.Dial("tcp", at)
	require.Error(t, err)
	require.NotContains(t, f.log.String(), "cannot open")
}

// A VIP port that another process has does not become free by a reload: a listener that wants it is refused.
func TestReloadToAVIPPortOfAnotherProcess(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	first, err := freeport.Range(3)
	require.NoError(t, err)
	theirs, err := net.Listen("tcp", freeport.Loopback(first))
	require.NoError(t, err)
	defer theirs.Close()
	text := clusterTable("main", cl.NameServers()...) + fmt.Sprintf(
		"[[listener]]\nname = 'office'\naddress = %q\nbrokers = 'one-port'\nvip_channel = true\n", freeport.Loopback(first+2))
	f := serveFile(t, text)
	require.Len(t, f.log.Lines("cannot open VIP port", "listener.vip_channel"), 1)
	f.write(strings.Replace(text, "vip_channel = true", "vip_channel = false", 1) + listenerTable("other", theirs.Addr().String(), ""))
	_, err = f.Reload()
	require.ErrorContains(t, err, `cannot open listener "other"`)
}

// A renamed listener is another one at the same address and ports.
func TestReloadRenamesAListener(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	address, ports := freePort(t), rangeOf(t, 1)
	f := serveFile(t, clusterTable("main", cl.NameServers()...)+listenerTable("old", address, ports))
	c := f.toBroker("old", "broker-a")
	result := f.change(clusterTable("main", cl.NameServers()...) + listenerTable("new", address, ports))
	require.Equal(t, []string{`listener "old" removed`, `listener "new" added`}, result.AtOnce)
	f.await(func() bool { return f.Addr("new") == address }, "it is open under its new name")
	c.Ends()
	require.Equal(t, c.Conn.RemoteAddr().String(), dial(t, address).brokers("News")["broker-a"])
	require.NotContains(t, f.log.String(), "left out of routes", "the old one lets go before the new one opens")
	require.NotContains(t, f.log.String(), "cannot open")
}

// rangeOf is a key with so many ports that were free a moment ago.
func rangeOf(t *testing.T, n int) string {
	t.Helper()
	first, err := freeport.Range(n)
	require.NoError(t, err)
	return fmt.Sprintf("broker_ports = '%d-%d'", first, first+n-1)
}

// Only brokers whose port changes are moved; the connections of the others, and of name servers, stay.
func TestReloadBrokerPorts(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{Brokers: []embedded.BrokerOptions{{Name: "broker-a"}, {Name: "broker-b"}}})
	ports := rangeOf(t, 4)
	var first int
	_, err := fmt.Sscanf(ports, "broker_ports = '%d-", &first)
	require.NoError(t, err)
	at := func(a, b int) string {
		return ports + fmt.Sprintf("\nports = { 'broker-a/0' = %d, 'broker-b/0' = %d }", first+a, first+b)
	}
	f := serveFile(t, office(cl, "127.0.0.1:0", at(0, 1)))
	names := dial(t, f.Addr("office"))
	routes := names.brokers("News")
	a, b := dial(t, routes["broker-a"]), dial(t, routes["broker-b"])
	held := cl.Broker("broker-b").Fault(codec.ReqSendMessageV2, embedded.Hold().Once())
	b.Send(sendRequest("in flight"))
	require.NoError(t, held.WaitHits(t.Context(), 1))
	f.change(office(cl, "127.0.0.1:0", at(0, 2)))
	require.Equal(t, map[string]string{"broker-a": fmt.Sprintf("127.0.0.1:%d", first), "broker-b": fmt.Sprintf("127.0.0.1:%d", first+2)}, names.brokers("News"))
	dial(t, fmt.Sprintf("127.0.0.1:%d", first+2)).mustSend("moved")
	_, err = net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", first+1))
	require.Error(t, err)
	held.Release()
	answer := b.Next()
	require.Equal(t, codec.ResSuccess, answer.Code)
	b.Ends()
	a.mustSend("same connection")
}

// Connections of a port that was closed are cut off after drain_timeout.
func TestReloadCutsOffMovedPorts(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	f := serveFile(t, "drain_timeout = '100ms'\n"+office(cl, "127.0.0.1:0", ""))
	c := f.toBroker("office", "broker-a")
	held := cl.Broker("broker-a").Fault(codec.ReqSendMessageV2, embedded.Hold())
	c.Send(sendRequest("never answered"))
	require.NoError(t, held.WaitHits(t.Context(), 1))
	f.change("drain_timeout = '100ms'\n" + office(cl, "127.0.0.1:0", rangeOf(t, 1)))
	_, err := c.TryNext()
	require.Error(t, err)
	c.Ends()
}

// A listener that turns to another cluster keeps its address; what stood for the old one finishes.
func TestReloadCluster(t *testing.T) {
	t.Parallel()
	one, two := rocketMQ(t, embedded.Options{}), rocketMQ(t, embedded.Options{Brokers: []embedded.BrokerOptions{{Name: "broker-a"}, {Name: "broker-z"}}})
	clusters := clusterTable("one", one.NameServers()...) + clusterTable("two", two.NameServers()...)
	f := serveFile(t, clusters+listenerTable("office", "127.0.0.1:0", "cluster = 'one'"))
	address, names, c := f.Addr("office"), dial(t, f.Addr("office")), f.toBroker("office", "broker-a")
	held := one.Broker("broker-a").Fault(codec.ReqSendMessageV2, embedded.Hold().Once())
	c.Send(sendRequest("in flight"))
	require.NoError(t, held.WaitHits(t.Context(), 1))
	f.change(clusters + listenerTable("office", "127.0.0.1:0", "cluster = 'two'"))
	require.Equal(t, address, f.Addr("office"))
	names.Ends()
	held.Release()
	c.Next()
	c.Ends()
	routes := dial(t, address).brokers("News")
	require.Len(t, routes, 2)
	dial(t, routes["broker-a"]).mustSend("two")
	require.Len(t, one.Broker("broker-a").Messages("News"), 1)
	require.Len(t, two.Broker("broker-a").Messages("News"), 1)
}

// The cluster may be as new as the listener's turn to it: its brokers get their ports when they are known.
func TestReloadNewCluster(t *testing.T) {
	t.Parallel()
	one, two := rocketMQ(t, embedded.Options{}), rocketMQ(t, embedded.Options{Brokers: []embedded.BrokerOptions{{Name: "broker-z"}}})
	f := serveFile(t, clusterTable("one", one.NameServers()...)+listenerTable("office", "127.0.0.1:0", "cluster = 'one'"))
	held := two.NameServer(0).Fault(codec.ReqGetBrokerClusterInfo, embedded.Hold().Once())
	f.change(clusterTable("two", two.NameServers()...) + listenerTable("office", "127.0.0.1:0", "cluster = 'two'"))
	require.NoError(t, held.WaitHits(t.Context(), 1))
	held.Release()
	f.await(func() bool {
		_, ok := f.proxy.Tree().Listeners[0].PortOf(route.BrokerID{Name: "broker-z"})
		return ok
	}, "the new broker has a port though nobody has asked for it")
}

// A longer frame is refused on new connections only: one that is open keeps the limits that it began with.
func TestReloadLimits(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	f := serveFile(t, office(cl, "127.0.0.1:0", ""))
	c := f.toBroker("office", "broker-a")
	c.mustSend("short") // so it has been accepted
	f.change("limits = { max_frame = '4KiB', max_header = '2KiB' }\n" + office(cl, "127.0.0.1:0", ""))
	body := strings.Repeat("x", 8<<10)
	c.mustSend(body)
	next := f.toBroker("office", "broker-a")
	next.mustSend("short")
	_, err := next.Try(sendRequest(body))
	require.Error(t, err)
	f.change(office(cl, "127.0.0.1:0", ""))
	f.toBroker("office", "broker-a").mustSend(body)
}

// The numbers that actors look at as they go are the new ones.
func TestReloadTimeouts(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	f := serveFile(t, office(cl, "127.0.0.1:0", ""))
	require.Equal(t, "2m0s", f.proxy.Settings().IdleTimeout.String())
	f.change("timeouts = { idle = '1m', name_server = '3s' }\n" + office(cl, "127.0.0.1:0", ""))
	require.Equal(t, "1m0s", f.proxy.Settings().IdleTimeout.String())
	require.Equal(t, "3s", f.proxy.Settings().QueryTimeout.String())
}
