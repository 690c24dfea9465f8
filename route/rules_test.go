package route_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

func TestTheFirstLineThatMatchesLeads(t *testing.T) {
	golang := route.HeaderMatcher{Name: "language", Matcher: matcher(t, spec{Exact: "GO"})}
	old := route.HeaderMatcher{Name: "version", Matcher: matcher(t, spec{Range: route.Range{Start: 317, End: 401}})}
	pops := route.HeaderMatcher{Name: "code", Matcher: matcher(t, spec{Exact: "200050"})}
	lines := []route.Line{
		{Topic: matcher(t, spec{Exact: "orders"}), Headers: []route.HeaderMatcher{pops}, Cluster: "d"},
		{Topic: matcher(t, spec{Prefix: "order"}), Headers: []route.HeaderMatcher{golang, old}, Cluster: "c"},
		{Topic: matcher(t, spec{Prefix: "order"}), Cluster: "b", DrainFrom: "a"},
		{Topic: matcher(t, spec{Suffix: "-eu"}), Cluster: "c", Subset: map[string]string{"zone": "eu"}},
	}
	rules := route.NewRules("a", []string{"a", "b", "c", "d"}, lines, func(string, map[string]string) map[string]bool { return map[string]bool{"c1": true} })
	f := func(topic string, c *codec.Command, want ...string) {
		t.Helper()
		h, raw := header(c)
		require.Equal(t, want, clusters(rules.Route(topic, &route.Facts{Header: h, Raw: raw})), topic)
	}
	java := &codec.Command{Code: 105, Language: codec.Java, Version: 317}
	f("news", java, "a")
	f("orders", java, "b", "a read-only")
	f("orders", &codec.Command{Code: 105, Language: codec.Go, Version: 317}, "c")
	f("orders", &codec.Command{Code: 105, Language: codec.Go, Version: 401}, "b", "a read-only")
	f("news-eu", java, "c")
	for _, topic := range []string{"%RETRY%order", "%DLQ%order", "%RETRY%order_orders", "%RETRY%order+orders"} {
		f(topic, java, "a", "b", "c", "d")
		require.True(t, route.GroupTopic(topic))
	}
	h, raw := header(&codec.Command{Code: 200050})
	require.Equal(t, []string{"d"}, clusters(rules.Request("orders", &route.Facts{Header: h, Raw: raw})), "a request that names no broker")
	eu := rules.Route("news-eu", &route.Facts{Header: h, Raw: raw})
	require.Equal(t, route.ShowAll, eu.Parts[0].Show("c1"))
	require.Equal(t, route.ShowNothing, eu.Parts[0].Show("c2"))
}

func clusters(l *route.Lead) (names []string) {
	for i := range l.Parts {
		name := l.Parts[i].Cluster
		if l.Parts[i].Show("c1") == route.ShowReadOnly {
			name += " read-only"
		}
		names = append(names, name)
	}
	return names
}

func TestALineOfGroupTopicsNeverMatches(t *testing.T) {
	require.True(t, (&route.Line{Topic: matcher(t, spec{Prefix: "%RETRY%g"})}).NeverMatches())
	require.True(t, (&route.Line{Topic: matcher(t, spec{Exact: "%DLQ%g"})}).NeverMatches())
	require.False(t, (&route.Line{Topic: matcher(t, spec{Prefix: "%DLQ%", Invert: true})}).NeverMatches())
	require.False(t, (&route.Line{Topic: matcher(t, spec{Prefix: "%"})}).NeverMatches())
	require.False(t, (&route.Line{}).NeverMatches())
}

func TestStaticBrokersAgreeByTheMetadataOfTheirMaster(t *testing.T) {
	b := func(name string, id int64, zone string) route.StaticBroker {
		return route.StaticBroker{Broker: route.Broker{BrokerID: route.BrokerID{Name: name, ID: id}}, Metadata: map[string]string{"zone": zone}}
	}
	s := &route.Static{Brokers: []route.StaticBroker{b("c1", 1, "us"), b("c1", 0, "eu"), b("c2", 0, "us"), b("c2", 1, "eu")}}
	require.Equal(t, map[string]bool{"c1": true}, s.Agreeing(map[string]string{"zone": "eu"}))
	require.Empty(t, s.Agreeing(map[string]string{"zone": "eu", "rack": "1"}))
}
