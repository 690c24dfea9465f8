package route_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// Requests that name no broker go where the first line that matches leads, by all that they say; others as routes show it.
func TestOnOnePortRoutesLeadToClusters(t *testing.T) {
	table := brokers("a1", "b1", "b2", "c1")
	makers := route.HeaderMatcher{Name: "group", Matcher: matcher(t, spec{Exact: "makers"})}
	table.Rules = route.NewRules("a", []string{"a", "b", "c"}, []route.Line{
		{Headers: []route.HeaderMatcher{makers}, Cluster: "c"},
		{Topic: matcher(t, spec{Prefix: "order"}), Cluster: "b", DrainFrom: "a", Subset: map[string]string{"zone": "eu"}},
	}, func(string, map[string]string) map[string]bool { return map[string]bool{"b2": true} })
	client := &route.Client{}
	learn := func(cluster, topic string, names ...string) {
		known := route.Topic{}
		for _, name := range names {
			known.Brokers = append(known.Brokers, route.TopicBroker{Name: name, Writable: true})
		}
		client.Learn(route.TopicKey{Cluster: cluster, Topic: topic}, known)
	}
	learn("a", "News", "a1")
	learn("a", "orders")
	learn("b", "orders", "b1", "b2")
	learn("c", "orders", "c1")
	learn("c", "News")
	f := func(code int32, ext map[string]string, want string) route.Verdict {
		t.Helper()
		v := decide(table, onOnePort(client), &codec.Command{Code: code, Ext: ext})
		if want == "" {
			require.Equal(t, route.Refuse, v.Action)
			return v
		}
		require.NotNil(t, v.Broker, v.Remark)
		require.Equal(t, want, v.Broker.String())
		return v
	}
	f(10, map[string]string{"topic": "News"}, "a1/0")
	f(10, map[string]string{"topic": "orders"}, "b2/0")
	f(10, map[string]string{"topic": "orders", "producerGroup": "makers"}, "c1/0")
	f(10, map[string]string{"topic": "orders", "producerGroup": "makers", "bname": "b1"}, "b1/0") // a broker's name wins

	// A send to a broker whose cluster lacks the topic, which routes lead elsewhere, would create it there.
	v := f(10, map[string]string{"topic": "orders", "bname": "c1"}, "c1/0")
	require.Equal(t, route.Relay, v.Action, "it has the topic")
	v = f(10, map[string]string{"topic": "News", "bname": "c1"}, "")
	require.Equal(t, codec.ResTopicNotExist, v.Code)
	require.Contains(t, v.Remark, `its route leads to cluster "a"`)

	// So would one to a cluster that is drained and does not have it, or no longer.
	toDrained := map[string]string{"topic": "orders", "bname": "a1"}
	v = f(10, toDrained, "")
	require.Equal(t, codec.ResTopicNotExist, v.Code)
	require.Contains(t, v.Remark, `its route leads to cluster "b"`)
	f(10, map[string]string{"topic": "%RETRY%group", "bname": "a1"}, "a1/0")
	client.Now += 31e9
	learn("a", "orders", "a1")
	f(10, toDrained, "a1/0") // while it has it, clients have routes that show it
	learn("b", "orders", "b1", "b2")

	// Topics are set up where routes lead, not where they are drained; those of groups everywhere.
	v = decide(table, onOnePort(client), &codec.Command{Code: 17, Ext: map[string]string{"topic": "orders"}})
	require.Equal(t, []route.BrokerID{{Name: "b1"}, {Name: "b2"}}, v.FanOut.Targets)
	v = decide(table, onOnePort(client), &codec.Command{Code: 200})
	require.Len(t, v.FanOut.Targets, 4)
}

// The brokers of a topic may all be away, or not known yet, while one of another cluster is there: that one would create the
// topic, and its consumers would not look there.
func TestOnOnePortTheOnlyBrokerGetsNoTopicThatLeadsElsewhere(t *testing.T) {
	table := &route.Table{OnePort: route.NewOnePort([]string{"a", "b"}, []route.OnePortBroker{{BrokerID: route.BrokerID{Name: "a1"}, Of: "a"}}, false)}
	table.Rules = route.NewRules("a", []string{"a", "b"}, []route.Line{
		{Topic: matcher(t, spec{Prefix: "order"}), Cluster: "b"},
		{Topic: matcher(t, spec{Prefix: "sale"}), Cluster: "a", Subset: map[string]string{"zone": "eu"}},
	}, func(string, map[string]string) map[string]bool { return map[string]bool{"a2": true} })
	client := &route.Client{}
	for _, topic := range []string{"orders", "sales"} {
		for _, cluster := range []string{"a", "b"} {
			client.Learn(route.TopicKey{Cluster: cluster, Topic: topic}, route.Topic{})
		}
	}
	f := func(topic, want string) {
		t.Helper()
		for _, code := range []int32{10, 11, 15} {
			require.Equal(t, want, said(decide(table, onOnePort(client), &codec.Command{Code: code, Ext: map[string]string{"topic": topic}})))
		}
	}
	f("News", "a1")
	f("", "a1")
	f("%RETRY%g", "a1")
	f("orders", "15")
	f("sales", "15")
}

// That a send goes where its topic is led is remembered for the next ones, which may be of another topic or client, or come after
// a reload.
func TestOnOnePortEachSendIsLedAsItSays(t *testing.T) {
	table, client := brokers("a1", "b1"), &route.Client{}
	lead := func(l route.Line) {
		l.Cluster = "b"
		table.Rules = route.NewRules("a", []string{"a", "b"}, []route.Line{l}, nil)
	}
	f := func(want, topic, broker string, version int32, language codec.Language) {
		t.Helper()
		client.Learn(route.TopicKey{Cluster: "a", Topic: topic}, route.Topic{})
		client.Learn(route.TopicKey{Cluster: "b", Topic: topic}, route.Topic{})
		c := &codec.Command{Code: 10, Version: version, Language: language, Ext: map[string]string{"topic": topic, "bname": broker}}
		require.Equal(t, want, said(decide(table, onOnePort(client), c)))
	}
	lead(route.Line{Topic: matcher(t, spec{Exact: "moved"})})
	f("a1", "News", "a1", 401, codec.Java)
	f("17", "moved", "a1", 401, codec.Java)
	f("17", "News", "b1", 401, codec.Java)
	lead(route.Line{Headers: []route.HeaderMatcher{{Name: "version", Matcher: matcher(t, spec{Exact: "317"})}}})
	f("a1", "News", "a1", 401, codec.Java)
	f("17", "News", "a1", 317, codec.Java)
	lead(route.Line{Headers: []route.HeaderMatcher{{Name: "language", Matcher: matcher(t, spec{Exact: "GO"})}}})
	f("a1", "News", "a1", 401, codec.Java)
	f("17", "News", "a1", 401, codec.Go)
	lead(route.Line{})
	f("17", "News", "a1", 401, codec.Java)
}
