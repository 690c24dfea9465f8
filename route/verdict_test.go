package route_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// decide decides about a request of a client of 5.5.0.
func decide(t *route.Table, at route.Arrival, c *codec.Command) route.Verdict {
	if c.Version == 0 {
		c.Version = codec.Version5_5_0
	}
	h, raw := header(c)
	return route.Decide(t, at, h, raw)
}

// header is that of a command as it arrives, and its bytes.
func header(c *codec.Command) (*codec.Header, []byte) {
	frame := c.Append(nil, codec.JSON)
	var split codec.Splitter
	split.Limits = codec.Limits{MaxFrame: 1 << 20, MaxHeader: 1 << 20}
	frames, _, err := split.Split(frame, nil)
	if err != nil {
		panic(err)
	}
	return &frames[0].Header, frame[codec.PrefixLen:frames[0].BodyOff]
}

var (
	nameServer = route.Arrival{NameServer: true}
	brokerA    = route.Arrival{Broker: route.BrokerID{Name: "broker-a"}}
)

func TestDecideOnNameServerPorts(t *testing.T) {
	f := func(want route.Action, codes ...int32) {
		t.Helper()
		for _, code := range codes {
			v := decide(&route.Table{}, nameServer, &codec.Command{Code: code, Ext: map[string]string{"topic": "News"}})
			require.Equal(t, want, v.Action, "code %d", code)
			switch want {
			case route.Refuse:
				require.Equal(t, route.Registration, v.Reason)
				require.Equal(t, codec.ResNoPermission, v.Code)
				require.Contains(t, v.Remark, "is refused on a port for clients")
			case route.LocalTopicRoute:
				require.Equal(t, route.Verdict{Action: want, Topic: "News"}, v)
			default:
				require.Equal(t, route.Verdict{Action: want}, v)
			}
		}
	}
	f(route.LocalTopicRoute, 105)
	f(route.LocalClusterInfo, 106)
	f(route.Refuse, 103, 104, 322, 901, 904)
	f(route.Relay, 0, 10, 34, 100, 101, 102, 107, 205, 206, 216, 217, 219, 224, 304, 318, 319, 327, 902, 903, 1005, 77777, -1)
}

func TestDecideOnBrokerPorts(t *testing.T) {
	for _, code := range []int32{10, 11, 34, 103, 105, 106, 310, 904, 200050, -5} {
		require.Equal(t, route.Verdict{}, decide(&route.Table{}, brokerA, &codec.Command{Code: code}))
	}
}

func TestRemarkOfARefusedRegistration(t *testing.T) {
	require.Equal(t, "REGISTER_BROKER (103) is refused on a port for clients: it would announce a broker to all clients. "+
		"Point the broker's namesrvAddr at a name server, not at the proxy", decide(&route.Table{}, nameServer, &codec.Command{Code: 103}).Remark)
}

// Clients may ask for whatever they like; what cannot be a topic is not asked for, and no name is taken for one of ours.
func TestImpossibleTopicsAreRefused(t *testing.T) {
	ask := func(topic string) route.Verdict {
		return decide(&route.Table{}, nameServer, &codec.Command{Code: 105, Ext: map[string]string{"topic": topic}})
	}
	for _, topic := range []string{strings.Repeat("x", 1025), "\x00cluster"} {
		v := ask(topic)
		require.Equal(t, route.Refuse, v.Action)
		require.Equal(t, route.ImpossibleTopic, v.Reason)
		require.Equal(t, codec.ResSystemError, v.Code, "17 would make producers create it")
		require.Contains(t, v.Remark, "no topic")
	}
	require.Equal(t, route.LocalTopicRoute, ask(strings.Repeat("x", 1024)).Action)
	require.Equal(t, route.LocalTopicRoute, ask("").Action, "a name server says what it thinks of it")
}

func TestMaintenanceRefusesWhatItCovers(t *testing.T) {
	f := func(m route.Maintenance, at route.Arrival, refused bool, remark string) {
		t.Helper()
		for _, code := range []int32{10, 34, 105, 103} {
			v := decide(&route.Table{Maintenance: m}, at, &codec.Command{Code: code})
			require.Equal(t, refused, v.Reason == route.InMaintenance, "code %d", code)
			if refused {
				require.Equal(t, route.Refuse, v.Action)
				require.Equal(t, codec.ResServiceNotAvailable, v.Code)
				require.Contains(t, v.Remark, remark)
				require.Contains(t, v.Remark, "cluster.maintenance_brokers")
			}
		}
	}
	f(route.Maintenance{}, nameServer, false, "")
	f(route.Maintenance{}, brokerA, false, "")
	f(route.Maintenance{All: true}, nameServer, true, "this cluster is in maintenance")
	f(route.Maintenance{All: true}, brokerA, true, "broker broker-a/0, or its cluster, is in maintenance")
	f(route.Maintenance{Brokers: []string{"broker-b", "broker-a"}}, brokerA, true, "broker broker-a/0")
	f(route.Maintenance{Brokers: []string{"broker-b"}}, brokerA, false, "")
	f(route.Maintenance{Brokers: []string{"broker-a"}}, nameServer, false, "")
}

// Only those that understand GO_AWAY are sent away, whatever the request; maintenance comes second.
func TestDrainingSendsAwayWhoUnderstandsIt(t *testing.T) {
	f := func(version, flag int32, away bool) {
		t.Helper()
		for _, at := range []route.Arrival{nameServer, brokerA} {
			at.GoAway = true
			v := decide(&route.Table{Maintenance: route.Maintenance{All: true}}, at, &codec.Command{Code: 11, Version: version, Flag: flag})
			require.Equal(t, route.Refuse, v.Action)
			if away {
				require.Equal(t, route.Draining, v.Reason)
				require.Equal(t, codec.ResGoAway, v.Code)
			} else {
				require.Equal(t, route.InMaintenance, v.Reason)
			}
		}
	}
	f(codec.Version5_5_0, 0, true)
	f(codec.Version5_3_1, 0, false)
	f(317, 0, false)
	f(codec.Version5_5_0, codec.FlagOneway, false)
}

func TestOrdinary(t *testing.T) {
	f := func(request int32, responses ...int32) {
		t.Helper()
		ordinary := map[int32]bool{0: true}
		for _, r := range responses {
			ordinary[r] = true
		}
		for response := int32(-10); response < 3100; response++ {
			require.Equal(t, ordinary[response], route.Ordinary(request, response), "answer %d to %d", response, request)
		}
	}
	for _, send := range []int32{10, 310, 320, 324, 325} {
		f(send, 10, 11, 12)
	}
	f(11, 19, 20, 21)
	f(361, 19, 20, 21)
	for _, pop := range []int32{200050, 50, 200052, 200054} {
		f(pop, 19, 209, 210)
	}
	f(12, 22)
	f(14, 22)
	for _, other := range []int32{0, 13, 15, 33, 34, 35, 36, 37, 38, 51, 105, 106, 200051, 200053, 99999} {
		f(other)
	}
}
