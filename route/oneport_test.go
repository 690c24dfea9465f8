package route_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// brokers makes the table of a one-port listener: "a1" is a broker of cluster a, "a1/1" its slave, "!a1" one that is down.
func brokers(list ...string) *route.Table {
	t := &route.OnePort{}
	var all []route.OnePortBroker
	for _, name := range list {
		name, down := strings.CutPrefix(name, "!")
		b := route.OnePortBroker{BrokerID: route.BrokerID{Name: name}, Of: name[:1], Down: func() bool { return down }}
		if name, ok := strings.CutSuffix(name, "/1"); ok {
			b.BrokerID = route.BrokerID{Name: name, ID: 1}
		}
		all = append(all, b)
		if len(t.Clusters) == 0 || t.Clusters[len(t.Clusters)-1] != b.Of {
			t.Clusters = append(t.Clusters, b.Of)
		}
	}
	return &route.Table{OnePort: route.NewOnePort(t.Clusters, all, false)}
}

func onOnePort(c *route.Client) route.Arrival { return route.Arrival{OnePort: true, Client: c} }

func TestOnOnePortTheBrokersNameDecides(t *testing.T) {
	two := brokers("a1", "a2")
	f := func(code int32, ext map[string]string, broker string) {
		t.Helper()
		v := decide(two, onOnePort(&route.Client{}), &codec.Command{Code: code, Ext: ext})
		require.Equal(t, route.Relay, v.Action, v.Remark)
		require.Equal(t, broker, v.Broker.String())
	}
	const handle = "1 2 3 0 0 a2 5 7"
	f(10, map[string]string{"bname": "a2"}, "a2/0")
	f(310, map[string]string{"n": "a1"}, "a1/0")
	f(310, map[string]string{"n": "", "bname": "a2"}, "a2/0")
	f(77777, map[string]string{"bname": "a2"}, "a2/0")
	f(200051, map[string]string{"extraInfo": handle}, "a2/0")
	f(200053, map[string]string{"extraInfo": handle, "bname": ""}, "a2/0")
	f(200051, map[string]string{"extraInfo": handle, "bname": "a1"}, "a1/0")

	v := decide(two, onOnePort(nil), &codec.Command{Code: 10, Ext: map[string]string{"bname": "b9"}})
	require.Equal(t, codec.ResServiceNotAvailable, v.Code)
	require.Equal(t, route.NoBroker, v.Reason)
	require.Equal(t, `rocketmq-proxy: unknown broker "b9"`, v.Remark)
}

func TestOnOnePortTheOnlyBrokerNeedsNoName(t *testing.T) {
	for _, code := range []int32{10, 11, 36, 202, 204, 77777, 200050} {
		v := decide(brokers("a1", "a1/1"), onOnePort(&route.Client{}), &codec.Command{Code: code})
		require.Equal(t, route.Relay, v.Action, v.Remark)
		require.Equal(t, "a1/0", v.Broker.String())

		v = decide(brokers("a1", "a2"), onOnePort(&route.Client{}), &codec.Command{Code: code})
		require.Equal(t, route.Refuse, v.Action)
		require.Equal(t, codec.ResVersionNotSupported, v.Code)
		require.Equal(t, route.Unnamed, v.Reason)
	}
}

func TestOnOnePortATopicsOnlyBrokerNeedsNoName(t *testing.T) {
	two, client := brokers("a1", "a2"), &route.Client{}
	send := &codec.Command{Code: 10, Ext: map[string]string{"topic": "News"}}
	v := decide(two, onOnePort(client), send)
	require.Equal(t, route.AskTopics, v.Action)
	key := route.TopicKey{Cluster: "a", Topic: "News"}
	require.Equal(t, []route.TopicKey{key}, *v.Ask)

	client.Learn(key, route.Topic{Brokers: []route.TopicBroker{{Name: "a2", Writable: true}}})
	require.Equal(t, "a2/0", decide(two, onOnePort(client), send).Broker.String())
	client.Now += 31e9
	require.Equal(t, route.AskTopics, decide(two, onOnePort(client), send).Action, "a route is believed for 30 s")

	client.Learn(key, route.Topic{Brokers: []route.TopicBroker{{Name: "a1"}, {Name: "a2"}}})
	require.Equal(t, route.Unnamed, decide(two, onOnePort(client), send).Reason)
	client.Learn(key, route.Topic{})
	require.Equal(t, route.Unnamed, decide(two, onOnePort(client), send).Reason)
	client.Learn(key, route.Topic{Unknown: true})
	v = decide(two, onOnePort(client), send)
	require.Equal(t, codec.ResServiceNotAvailable, v.Code)
	require.Contains(t, v.Remark, `cannot tell which broker has topic "News"`)
}

func TestOnOnePortNameServerCodesGoToNameServers(t *testing.T) {
	for _, code := range []int32{100, 101, 102, 105, 106, 205, 206, 216, 217, 219, 224, 304, 311, 312, 313, 318, 319, 327, 103, 104, 322, 901, 904} {
		c := &codec.Command{Code: code, Ext: map[string]string{"topic": "News", "bname": "a1"}}
		require.Equal(t, decide(brokers("a1", "a2"), nameServer, c), decide(brokers("a1", "a2"), onOnePort(nil), c), "code %d", code)
	}
}

func TestASlaveAnswersWhileItsMasterIsDown(t *testing.T) {
	f := func(t2 *route.Table, want string, codes ...int32) {
		t.Helper()
		for _, code := range codes {
			v := decide(t2, onOnePort(nil), &codec.Command{Code: code, Ext: map[string]string{"bname": "a1"}})
			require.Equal(t, want, v.Broker.String(), "code %d", code)
		}
	}
	reads := []int32{11, 361, 14, 29, 30, 31, 32}
	f(brokers("a1", "a1/1"), "a1/0", reads...)
	f(brokers("!a1", "a1/1"), "a1/1", reads...)
	f(brokers("!a1", "!a1/1"), "a1/0", reads...)
	f(brokers("!a1"), "a1/0", reads...)
	f(brokers("!a1", "a1/1"), "a1/0", 10, 12, 15, 36, 200050)
	f(brokers("a1/1"), "a1/1", 10, 11)
}

func BenchmarkDecide(b *testing.B) {
	f := func(name string, t *route.Table, at route.Arrival) {
		c := &codec.Command{Code: 310, Version: codec.Version5_5_0, Ext: map[string]string{
			"a": "producers", "b": "News", "c": "TBW102", "d": "4", "e": "3", "f": "0", "g": "1700000000000", "h": "0", "i": "KEYS\x01k\x02", "n": "a2",
		}}
		frame := c.Append(nil, codec.JSON)
		split := codec.Splitter{Limits: codec.Limits{MaxFrame: 1 << 20, MaxHeader: 1 << 20}}
		var frames []codec.Frame
		var known codec.Layouts
		for range 10 { // until the layout is known
			frames, _, _ = split.SplitUsing(&known, frame, frames[:0])
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				route.Decide(t, at, &frames[0].Header, frame[codec.PrefixLen:frames[0].BodyOff])
			}
		})
	}
	f("broker port", &route.Table{}, brokerA)
	f("one port", brokers("a1", "a2"), onOnePort(&route.Client{}))
	routed, lines := brokers("a1", "a2", "b1"), []route.Line{}
	for i := range 10 {
		m, err := route.NewMatcher(route.MatcherSpec{Prefix: fmt.Sprint("orders-", i)})
		require.NoError(b, err)
		lines = append(lines, route.Line{Topic: m, Cluster: "b"})
	}
	routed.Rules = route.NewRules("a", []string{"a", "b"}, lines, nil)
	f("ten routes", routed, onOnePort(&route.Client{}))
}
