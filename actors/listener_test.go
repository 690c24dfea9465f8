package actors_test

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/freeport"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// behind starts a proxy in front of a whole embedded cluster.
func behind(t testing.TB, on sockets, cl *embedded.Cluster, o options) *rig {
	t.Helper()
	o.nameServers = cl.NameServers()
	r := launch(t, on, o)
	r.until("the listener is open", func() bool { return r.tree.Listeners[0].Open() })
	return r
}

func TestRoutesNameThePortsOfTheProxy(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		cl := startCluster(t, embedded.Options{Brokers: []embedded.BrokerOptions{{Name: "broker-a"}, {Name: "broker-a", ID: 1}, {Name: "broker-b"}}})
		require.NoError(t, cl.CreateTopic("News", 4))
		r := behind(t, on, cl, options{})
		client := dial(t, r.nameServer())
		for _, version := range []int32{317, codec.Version5_5_0} {
			for _, c := range []*codec.Command{{Code: codec.ReqGetRouteInfoByTopic, Ext: map[string]string{"topic": "News"}}, {Code: codec.ReqGetBrokerClusterInfo}} {
				c.Version = version
				a := client.call(c)
				require.Equal(t, codec.ResSuccess, a.Code, a.Remark)
				body := string(a.Body)
				for _, b := range cl.Brokers() {
					require.NotContains(t, body, b.Addr(), "a broker's own address")
				}
				for _, id := range []route.BrokerID{brokerA, {Name: "broker-a", ID: 1}, {Name: "broker-b"}} {
					require.Contains(t, body, r.port(id), "%s", id)
				}
			}
		}
		client.close()
		r.settle(1)
		r.gaugesAreZero()
	})
}

// A broker that joins is offered as soon as a route names it: its port is open before the client reads of it.
func TestBrokerThatJoinsGetsItsPort(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		cl := startCluster(t, embedded.Options{})
		require.NoError(t, cl.CreateTopic("News", 4))
		r := behind(t, on, cl, options{})
		_, err := cl.AddBroker(embedded.BrokerOptions{Name: "broker-b"})
		require.NoError(t, err)
		require.NoError(t, cl.Broker("broker-b").CreateTopic("Fresh", 1))
		a := dial(t, r.nameServer()).call(routeRequest("Fresh"))
		require.Equal(t, codec.ResSuccess, a.Code, a.Remark)
		b := route.BrokerID{Name: "broker-b"}
		require.Contains(t, string(a.Body), r.port(b))
		require.Equal(t, codec.ResSuccess, dial(t, r.port(b)).call(&codec.Command{Code: codec.ReqGetBrokerConfig}).Code)
		require.Equal(t, 1, cl.Broker("broker-b").Requests(codec.ReqGetBrokerConfig))
	})
}

func TestAdvertisedHostAndPorts(t *testing.T) {
	t.Parallel()
	first := freePort(t)
	cl := startCluster(t, embedded.Options{})
	require.NoError(t, cl.CreateTopic("News", 4))
	r := behind(t, best, cl, options{listener: func(l *actors.Listener) {
		l.Advertise = "mq.example.com"
		l.Ports = route.PortOptions{Listen: route.PortRange{First: first, Last: first}, Advertise: route.PortRange{First: 30000, Last: 30000}}
	}})
	a := dial(t, r.nameServer()).call(routeRequest("News"))
	require.Contains(t, string(a.Body), `"mq.example.com:30000"`)
	require.Equal(t, codec.ResSuccess, dial(t, "127.0.0.1:"+strconv.Itoa(first)).call(&codec.Command{Code: codec.ReqGetBrokerConfig}).Code)
	p, _ := r.tree.Listeners[0].PortOf(brokerA)
	require.Equal(t, actors.BrokerPort{Port: first, Advertised: "mq.example.com:30000"}, actors.BrokerPort{Port: p.Port, Advertised: p.Advertised})
}

// A broker for which no port is left is left out of routes, told to the log once, and never given another's port.
func TestBrokerWithoutAPortIsLeftOut(t *testing.T) {
	t.Parallel()
	first := freePort(t)
	cl := startCluster(t, embedded.Options{Brokers: []embedded.BrokerOptions{{Name: "broker-a"}, {Name: "broker-b"}}})
	require.NoError(t, cl.CreateTopic("News", 4))
	r := behind(t, best, cl, options{listener: func(l *actors.Listener) {
		l.Ports = route.PortOptions{Listen: route.PortRange{First: first, Last: first}}
	}})
	client := dial(t, r.nameServer())
	for range 3 {
		body := string(client.call(routeRequest("News")).Body)
		require.Contains(t, body, `"127.0.0.1:`+strconv.Itoa(first)+`"`)
		require.Equal(t, 1, strings.Count(body, `"brokerAddrs"`), body)
		require.NotContains(t, body, "broker-b")
	}
	require.Len(t, r.log.lines("broker left out of routes", "broker-b", "widen listener.broker_ports"), 1)
}

func TestPortsAreSavedAndKept(t *testing.T) {
	t.Parallel()
	cl := startCluster(t, embedded.Options{})
	var mu sync.Mutex
	var saved map[route.BrokerID]int
	save := func(m map[route.BrokerID]int) error {
		mu.Lock()
		defer mu.Unlock()
		saved = m
		return nil
	}
	var port int
	t.Run("first run", func(t *testing.T) {
		r := behind(t, best, cl, options{listener: func(l *actors.Listener) { l.Save = save }})
		p, _ := r.tree.Listeners[0].PortOf(brokerA)
		port = p.Port
	})
	require.Equal(t, map[route.BrokerID]int{brokerA: port}, saved)
	second := func(t *testing.T) *rig {
		return behind(t, best, cl, options{listener: func(l *actors.Listener) {
			var err error
			l.Table, err = route.NewPortTable(l.Ports, saved)
			require.NoError(t, err)
			l.Save = func(map[route.BrokerID]int) error { return errors.New("disk full") }
		}})
	}
	t.Run("second run", func(t *testing.T) {
		r := second(t)
		require.Equal(t, "127.0.0.1:"+strconv.Itoa(port), r.port(brokerA))
		require.Len(t, r.log.lines("cannot keep the port table (state_dir)", "disk full"), 1)
	})
	t.Run("somebody else has the port", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		require.NoError(t, err)
		defer ln.Close()
		r := second(t)
		require.NotEqual(t, "127.0.0.1:"+strconv.Itoa(port), r.port(brokerA))
	})
}

func TestVIPPortLeadsToTheBrokersOwn(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		cl := startCluster(t, embedded.Options{VIPChannel: true})
		r := behind(t, on, cl, options{listener: func(l *actors.Listener) { l.Ports.VIP = true }})
		p, _ := r.tree.Listeners[0].PortOf(brokerA)
		vip := dial(t, "127.0.0.1:"+strconv.Itoa(p.Port-2))
		a := vip.call(&codec.Command{Code: codec.ReqPullMessage})
		require.Equal(t, codec.ResRequestCodeNotSupported, a.Code, "a broker answers pulls so on its VIP port only")
		require.Equal(t, codec.ResSuccess, vip.call(&codec.Command{Code: codec.ReqGetBrokerConfig}).Code)
		r.until("it is counted", func() bool { return r.proxyMetric("downstream_connections", "vip", "") == 1 })
	})
}

func TestListenerThatCannotOpenEndsTheProcess(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	cl := startCluster(t, embedded.Options{})
	r := launch(t, best, options{nameServers: cl.NameServers(), mayGiveUp: true, listener: func(l *actors.Listener) { l.Address = ln.Addr().String() }})
	why := <-r.gaveUp
	require.ErrorContains(t, why, "cannot open listener office (listener.address "+ln.Addr().String()+")")
	require.False(t, r.tree.Listeners[0].Open())
}

// A drain closes the doors, lets go who is idle at once, and others when their last request is answered.
func TestDrainLetsRequestsFinish(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		idle, _ := r.pinned()
		busy, broker := r.pinned()
		busy.request(codec.ReqPullMessage, "long poll")
		asked := broker.next()
		addr := r.port(brokerA)
		r.env.System.Root.Send(r.top, &messages.Drain{})
		idle.ends()
		_, err := net.Dial("tcp", addr)
		require.Error(t, err, "the door is closed")
		require.False(t, r.tree.Listeners[0].Open())
		broker.answer(asked, "found")
		require.Equal(t, "found", string(busy.next().Body))
		busy.ends()
		r.settle(2)
		r.gaugesAreZero()
	})
}

// Message ids name the address that clients dial, on every port of the broker.
func TestMessageIDsAreRewrittenByOption(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		for _, rewrite := range []bool{true, false} {
			t.Run(strconv.FormatBool(rewrite), func(t *testing.T) {
				r := start(t, on, options{listener: func(l *actors.Listener) { l.RewriteIDs = rewrite }})
				client, broker := r.pinned()
				_, at, err := net.SplitHostPort(r.broker.addr)
				require.NoError(t, err)
				own, err := strconv.Atoi(at)
				require.NoError(t, err)
				id := fmt.Sprintf("7F000001%08X0000000000000ABC", own)
				client.request(codec.ReqSendMessageV2, "")
				a := broker.next().Answer(codec.ResSuccess, "")
				a.Ext, a.Body = map[string]string{"msgId": id, "queueId": "3"}, []byte("body")
				broker.write(frame(a))
				got := client.next()
				require.Equal(t, "3", got.Ext["queueId"])
				require.Equal(t, "body", string(got.Body))
				if !rewrite {
					require.Equal(t, id, got.Ext["msgId"])
					return
				}
				p, _ := r.tree.Listeners[0].PortOf(brokerA)
				require.Equal(t, fmt.Sprintf("7F000001%08X0000000000000ABC", p.Port), got.Ext["msgId"])
				client.open(broker)
			})
		}
	})
}

// freePort is a port that was free a moment ago.
func freePort(t *testing.T) int {
	port, err := freeport.Range(1)
	require.NoError(t, err)
	return port
}
