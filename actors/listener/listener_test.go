package listener_test

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
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// behind starts a proxy in front of a whole embedded cluster.
func behind(t testing.TB, on proxytest.Sockets, cl *embedded.Cluster, o proxytest.Options) *proxytest.Real {
	t.Helper()
	o.NameServers = cl.NameServers()
	r := proxytest.Launch(t, on, o)
	r.UntilOpen()
	return r
}

func TestRoutesNameThePortsOfTheProxy(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		cl := proxytest.StartCluster(t, embedded.Options{Brokers: []embedded.BrokerOptions{{Name: "broker-a"}, {Name: "broker-a", ID: 1}, {Name: "broker-b"}}})
		require.NoError(t, cl.CreateTopic("News", 4))
		r := behind(t, on, cl, proxytest.Options{})
		client := proxytest.Dial(t, r.NameServer())
		for _, version := range []int32{317, codec.Version5_5_0} {
			for _, c := range []*codec.Command{{Code: codec.ReqGetRouteInfoByTopic, Ext: map[string]string{"topic": "News"}}, {Code: codec.ReqGetBrokerClusterInfo}} {
				c.Version = version
				a := client.Call(c)
				require.Equal(t, codec.ResSuccess, a.Code, a.Remark)
				body := string(a.Body)
				for _, b := range cl.Brokers() {
					require.NotContains(t, body, b.Addr(), "a broker's own address")
				}
				for _, id := range []route.BrokerID{proxytest.BrokerA, {Name: "broker-a", ID: 1}, {Name: "broker-b"}} {
					require.Contains(t, body, r.Port(id), "%s", id)
				}
			}
		}
		client.Close()
		r.Settle(1)
		r.GaugesAreZero()
	})
}

// A broker that joins is offered as soon as a route names it: its port is open before the client reads of it.
func TestBrokerThatJoinsGetsItsPort(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		cl := proxytest.StartCluster(t, embedded.Options{})
		require.NoError(t, cl.CreateTopic("News", 4))
		r := behind(t, on, cl, proxytest.Options{})
		_, err := cl.AddBroker(embedded.BrokerOptions{Name: "broker-b"})
		require.NoError(t, err)
		require.NoError(t, cl.Broker("broker-b").CreateTopic("Fresh", 1))
		a := proxytest.Dial(t, r.NameServer()).Call(proxytest.RouteRequest("Fresh"))
		require.Equal(t, codec.ResSuccess, a.Code, a.Remark)
		b := route.BrokerID{Name: "broker-b"}
		require.Contains(t, string(a.Body), r.Port(b))
		require.Equal(t, codec.ResSuccess, proxytest.Dial(t, r.Port(b)).Call(&codec.Command{Code: codec.ReqGetBrokerConfig}).Code)
		require.Equal(t, 1, cl.Broker("broker-b").Requests(codec.ReqGetBrokerConfig))
	})
}

func TestAdvertisedHostAndPorts(t *testing.T) {
	t.Parallel()
	first := freePort(t)
	cl := proxytest.StartCluster(t, embedded.Options{})
	require.NoError(t, cl.CreateTopic("News", 4))
	r := behind(t, proxytest.Best, cl, proxytest.Options{Listener: func(l *actors.Listener) {
		l.Advertise = "mq.example.com"
		l.Ports = route.PortOptions{Listen: route.PortRange{First: first, Last: first}, Advertise: route.PortRange{First: 30000, Last: 30000}}
	}})
	a := proxytest.Dial(t, r.NameServer()).Call(proxytest.RouteRequest("News"))
	require.Contains(t, string(a.Body), `"mq.example.com:30000"`)
	require.Equal(t, codec.ResSuccess, proxytest.Dial(t, "127.0.0.1:"+strconv.Itoa(first)).Call(&codec.Command{Code: codec.ReqGetBrokerConfig}).Code)
	p, _ := r.Listener().PortOf(proxytest.BrokerA)
	require.Equal(t, actors.BrokerPort{Port: first, Advertised: "mq.example.com:30000"}, actors.BrokerPort{Port: p.Port, Advertised: p.Advertised})
}

// A broker for which no port is left is left out of routes, told to the log once, and never given another's port.
func TestBrokerWithoutAPortIsLeftOut(t *testing.T) {
	t.Parallel()
	first := freePort(t)
	cl := proxytest.StartCluster(t, embedded.Options{Brokers: []embedded.BrokerOptions{{Name: "broker-a"}, {Name: "broker-b"}}})
	require.NoError(t, cl.CreateTopic("News", 4))
	r := behind(t, proxytest.Best, cl, proxytest.Options{Listener: func(l *actors.Listener) {
		l.Ports = route.PortOptions{Listen: route.PortRange{First: first, Last: first}}
	}})
	client := proxytest.Dial(t, r.NameServer())
	for range 3 {
		body := string(client.Call(proxytest.RouteRequest("News")).Body)
		require.Contains(t, body, `"127.0.0.1:`+strconv.Itoa(first)+`"`)
		require.Equal(t, 1, strings.Count(body, `"brokerAddrs"`), body)
		require.NotContains(t, body, "broker-b")
	}
	require.Len(t, r.Log.Lines("broker left out of routes", "broker-b", "widen listener.broker_ports"), 1)
}

func TestPortsAreSavedAndKept(t *testing.T) {
	t.Parallel()
	cl := proxytest.StartCluster(t, embedded.Options{})
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
		r := behind(t, proxytest.Best, cl, proxytest.Options{Listener: func(l *actors.Listener) { l.Save = save }})
		p, _ := r.Listener().PortOf(proxytest.BrokerA)
		port = p.Port
	})
	require.Equal(t, map[route.BrokerID]int{proxytest.BrokerA: port}, saved)
	second := func(t *testing.T) *proxytest.Real {
		return behind(t, proxytest.Best, cl, proxytest.Options{Listener: func(l *actors.Listener) {
			var err error
			l.Table, err = route.NewPortTable(l.Ports, saved)
			require.NoError(t, err)
			l.Save = func(map[route.BrokerID]int) error { return errors.New("disk full") }
		}})
	}
	t.Run("second run", func(t *testing.T) {
		r := second(t)
		require.Equal(t, "127.0.0.1:"+strconv.Itoa(port), r.Port(proxytest.BrokerA))
		require.Len(t, r.Log.Lines("cannot save port table", "state_dir", "disk full"), 1)
	})
	t.Run("somebody else has the port", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		require.NoError(t, err)
		defer ln.Close()
		r := second(t)
		require.NotEqual(t, "127.0.0.1:"+strconv.Itoa(port), r.Port(proxytest.BrokerA))
	})
}

func TestVIPPortLeadsToTheBrokersOwn(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		cl := proxytest.StartCluster(t, embedded.Options{VIPChannel: true})
		r := behind(t, on, cl, proxytest.Options{Listener: func(l *actors.Listener) { l.Ports.VIP = true }})
		p, _ := r.Listener().PortOf(proxytest.BrokerA)
		vip := proxytest.Dial(t, "127.0.0.1:"+strconv.Itoa(p.Port-2))
		a := vip.Call(&codec.Command{Code: codec.ReqPullMessage})
		require.Equal(t, codec.ResRequestCodeNotSupported, a.Code, "a broker answers pulls so on its VIP port only")
		require.Equal(t, codec.ResSuccess, vip.Call(&codec.Command{Code: codec.ReqGetBrokerConfig}).Code)
		r.Until("it is counted", func() bool { return r.BrokerMetric("downstream_connections", "vip", "") == 1 })
	})
}

func TestListenerThatCannotOpenEndsTheProcess(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	cl := proxytest.StartCluster(t, embedded.Options{})
	r := proxytest.Launch(t, proxytest.Best, proxytest.Options{NameServers: cl.NameServers(), MayGiveUp: true, Listener: func(l *actors.Listener) { l.Address = ln.Addr().String() }})
	why := <-r.GaveUp
	require.ErrorContains(t, why, "cannot open listener office (listener.address "+ln.Addr().String()+")")
	require.False(t, r.Listener().Open())
}

// A drain closes the doors, lets go who is idle at once, and others when their last request is answered.
func TestDrainLetsRequestsFinish(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		idle, _ := r.Pinned()
		busy, broker := r.Pinned()
		busy.Request(codec.ReqPullMessage, "long poll")
		asked := broker.Next()
		addr := r.Port(proxytest.BrokerA)
		r.Env.System.Root.Send(r.Top, &messages.Drain{})
		idle.Ends()
		_, err := net.Dial("tcp", addr)
		require.Error(t, err, "the door is closed")
		require.False(t, r.Listener().Open())
		broker.Answer(asked, "found")
		require.Equal(t, "found", string(busy.Next().Body))
		busy.Ends()
		r.Settle(2)
		r.GaugesAreZero()
	})
}

// Message ids name the address that clients dial, on every port of the broker.
func TestMessageIDsAreRewrittenByOption(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		for _, rewrite := range []bool{true, false} {
			t.Run(strconv.FormatBool(rewrite), func(t *testing.T) {
				r := proxytest.Start(t, on, proxytest.Options{Listener: func(l *actors.Listener) { l.RewriteIDs = rewrite }})
				client, broker := r.Pinned()
				_, at, err := net.SplitHostPort(r.Broker.Address)
				require.NoError(t, err)
				own, err := strconv.Atoi(at)
				require.NoError(t, err)
				id := fmt.Sprintf("7F000001%08X0000000000000ABC", own)
				client.Request(codec.ReqSendMessageV2, "")
				a := broker.Next().Answer(codec.ResSuccess, "")
				a.Ext, a.Body = map[string]string{"msgId": id, "queueId": "3"}, []byte("body")
				broker.Write(proxytest.Frame(a))
				got := client.Next()
				require.Equal(t, "3", got.Ext["queueId"])
				require.Equal(t, "body", string(got.Body))
				if !rewrite {
					require.Equal(t, id, got.Ext["msgId"])
					return
				}
				p, _ := r.Listener().PortOf(proxytest.BrokerA)
				require.Equal(t, fmt.Sprintf("7F000001%08X0000000000000ABC", p.Port), got.Ext["msgId"])
				client.Works(broker)
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
