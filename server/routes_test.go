package server

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
)

// twoClusters are two embedded ones, both with the topic "News", and their tables of the file.
type twoClusters struct {
	a, b   *embedded.Cluster
	tables string
}

func newTwoClusters(t *testing.T, nameOfB string) *twoClusters {
	t.Helper()
	c := &twoClusters{
		a: rocketMQ(t, embedded.Options{ClusterName: "East", Brokers: []embedded.BrokerOptions{{Name: "broker-a"}}}),
		b: rocketMQ(t, embedded.Options{ClusterName: "West", Brokers: []embedded.BrokerOptions{{Name: nameOfB}}}),
	}
	require.NoError(t, c.b.CreateTopic("orders", 4))
	c.tables = clusterTable("a", c.a.NameServers()...) + clusterTable("b", c.b.NameServers()...)
	return c
}

const officeOfA = "cluster = 'a'"

func (c *twoClusters) file(routes string) string {
	return c.tables + listenerTable("office", "127.0.0.1:0", officeOfA) + routes
}

// names are the brokers that clients are shown for a topic.
func (c *client) names(topic string) []string { return slices.Sorted(maps.Keys(c.brokers(topic))) }

// queues are the permissions of a topic's queues by broker.
func (c *client) queues(topic string) map[string]int {
	c.T.Helper()
	answer := c.Call(&codec.Command{Code: codec.ReqGetRouteInfoByTopic, Ext: map[string]string{"topic": topic, "acceptStandardJsonOnly": "true"}})
	require.Equal(c.T, codec.ResSuccess, answer.Code, answer.Remark)
	var body struct {
		QueueDatas []struct {
			BrokerName string
			Perm       int
		}
	}
	require.NoError(c.T, json.Unmarshal(answer.Body, &body))
	perms := map[string]int{}
	for _, q := range body.QueueDatas {
		perms[q.BrokerName] = q.Perm
	}
	return perms
}

func (c *client) topics(code int32, ext map[string]string) []string {
	c.T.Helper()
	answer := c.Call(&codec.Command{Code: code, Ext: ext})
	require.Equal(c.T, codec.ResSuccess, answer.Code, answer.Remark)
	names, err := rewrite.TopicListNames(answer.Body)
	require.NoError(c.T, err)
	slices.Sort(names)
	require.Equal(c.T, slices.Compact(slices.Clone(names)), names, "none twice")
	return names
}

func TestTopicsLeadToTheirClusters(t *testing.T) {
	t.Parallel()
	two := newTwoClusters(t, "broker-b")
	f := serveFile(t, two.file("[[route]]\ntopic = { prefix = 'order' }\ncluster = 'b'\n"+
		"[[route]]\ntopic = { exact = 'News' }\nheaders = [{ name = 'language', exact = 'GO' }]\ncluster = 'b'\n"))
	names := dial(t, f.Addr("office"))
	require.Equal(t, []string{"broker-a"}, names.names("News"))
	require.Equal(t, []string{"broker-b"}, names.names("orders"))
	golang := names.Call(&codec.Command{Code: codec.ReqGetRouteInfoByTopic, Language: codec.Go, Version: 317, Ext: map[string]string{"topic": "News"}})
	require.Contains(t, string(golang.Body), `"brokerName":"broker-b"`)
	require.NotContains(t, string(golang.Body), `"brokerName":"broker-a"`)
	require.Equal(t, codec.ResTopicNotExist, names.code(codec.ReqGetRouteInfoByTopic, map[string]string{"topic": "order-x"}))

	dial(t, names.brokers("orders")["broker-b"]).mustSend("to b")
	require.Len(t, two.b.Broker("broker-b").Messages("News"), 1)
	require.Empty(t, two.a.Broker("broker-a").Messages("News"))

	// Topics of groups are in both.
	require.NoError(t, two.a.CreateTopic("%RETRY%readers", 1))
	require.Equal(t, []string{"broker-a"}, names.names("%RETRY%readers"))
	require.NoError(t, two.b.CreateTopic("%RETRY%readers", 1))
	f.await(func() bool { return slices.Equal([]string{"broker-a", "broker-b"}, names.names("%RETRY%readers")) }, "both have it")
}

func TestClustersBehindOneListenerAreListedTogether(t *testing.T) {
	t.Parallel()
	two := newTwoClusters(t, "broker-b")
	f := serveFile(t, two.file("[[route]]\ntopic = { prefix = 'order' }\ncluster = 'b'\n"))
	names := dial(t, f.Addr("office"))
	info := names.Call(&codec.Command{Code: codec.ReqGetBrokerClusterInfo})
	brokers, err := rewrite.ClusterBrokers(info.Body)
	require.NoError(t, err)
	found := map[string]string{}
	for _, b := range brokers {
		found[b.Name] = b.Cluster
	}
	require.Equal(t, map[string]string{"broker-a": "East", "broker-b": "West"}, found)
	require.Subset(t, names.topics(codec.ReqGetAllTopicListFromNameServer, nil), []string{"News", "orders", "TBW102"})
	require.Contains(t, names.topics(codec.ReqGetTopicsByCluster, map[string]string{"cluster": "West"}), "orders")
	require.NotContains(t, names.topics(codec.ReqGetTopicsByCluster, map[string]string{"cluster": "East"}), "orders")
	// Everything else goes to the own cluster's name server.
	held := two.a.NameServer(0).Fault(codec.ReqGetKVListByNamespace, embedded.Hold())
	names.Send(&codec.Command{Code: codec.ReqGetKVListByNamespace, Ext: map[string]string{"namespace": "x"}})
	require.NoError(t, held.WaitHits(patiently(t), 1))
	held.Release()
}

func TestADrainedClusterIsReadOnly(t *testing.T) {
	t.Parallel()
	two := newTwoClusters(t, "broker-b")
	f := serveFile(t, two.file("[[route]]\ntopic = { exact = 'News' }\ncluster = 'b'\ndrain_from = 'a'\n[[route]]\ntopic = { prefix = 'order' }\ncluster = 'b'\ndrain_from = 'a'\n"))
	names := dial(t, f.Addr("office"))
	require.Equal(t, map[string]int{"broker-a": 4, "broker-b": 6}, names.queues("News"))
	old := dialAs(t, f.Addr("office"), versionUnquoted)
	answer := old.Call(proxytestRoute("News", versionUnquoted))
	require.Contains(t, string(answer.Body), `"brokerName":"broker-a","perm":4`)
	require.Contains(t, string(answer.Body), `{0:"`, "in the dialect of old clients")
	require.Equal(t, map[string]int{"broker-b": 6}, names.queues("orders"), "a does not have it")
}

func proxytestRoute(topic string, version int32) *codec.Command {
	return &codec.Command{Code: codec.ReqGetRouteInfoByTopic, Version: version, Ext: map[string]string{"topic": topic}}
}

// One cluster that is down leaves the other's topics alone, and no answer has producers create a topic.
func TestAClusterThatIsDownIsAnsweredFor(t *testing.T) {
	t.Parallel()
	two := newTwoClusters(t, "broker-b")
	f := serveFile(t, two.file("[[route]]\ntopic = { prefix = 'order' }\ncluster = 'b'\n[[route]]\ntopic = { exact = 'News' }\ncluster = 'b'\ndrain_from = 'a'\n"))
	names := dial(t, f.Addr("office"))
	require.Equal(t, []string{"broker-b"}, names.names("orders"))
	two.b.NameServer(0).Stop()
	require.Equal(t, []string{"broker-a"}, names.names("News"), "b's queues are not known")
	require.Equal(t, []string{"broker-b"}, names.names("orders"), "what was known is served")
	require.Equal(t, codec.ResSystemError, names.code(codec.ReqGetRouteInfoByTopic, map[string]string{"topic": "order-new"}))
	require.Equal(t, codec.ResSystemError, names.code(codec.ReqGetRouteInfoByTopic, map[string]string{"topic": "%RETRY%new"}), "a has none, and b cannot say")
	require.Equal(t, codec.ResTopicNotExist, names.code(codec.ReqGetRouteInfoByTopic, map[string]string{"topic": "new"}), "nobody but a is asked")
	info := names.Call(&codec.Command{Code: codec.ReqGetBrokerClusterInfo})
	require.Contains(t, string(info.Body), "broker-b", "as it was known")
}

// Routes move topics while clients stay connected, clusters come and go.
func TestReloadMovesTopics(t *testing.T) {
	t.Parallel()
	two := newTwoClusters(t, "broker-b")
	f := serveFile(t, two.file(""))
	names, toA := dial(t, f.Addr("office")), f.toBroker("office", "broker-a")
	require.Equal(t, []string{"broker-a"}, names.names("News"))
	f.change(two.file("[[route]]\ntopic = { exact = 'News' }\ncluster = 'b'\ndrain_from = 'a'\n"))
	require.Equal(t, map[string]int{"broker-a": 4, "broker-b": 6}, names.queues("News"), "at once")
	toB := dial(t, names.brokers("News")["broker-b"])
	toB.mustSend("new")
	toA.mustSend("from before the client asked again")
	result := f.change(two.file("[[route]]\ntopic = { exact = 'News' }\ncluster = 'b'\n"))
	require.Len(t, result.AtOnce, 1)
	require.Equal(t, []string{"broker-b"}, names.names("News"))
	toA.mustSend("the own cluster's broker stays")
	toB.mustSend("newer")
	f.change(two.file(""))
	require.Equal(t, []string{"broker-a"}, names.names("News"))
	toA.mustSend("still the same connection")
	toB.Ends() // in good order: the listener no longer has its cluster
}

func TestOfTwoBrokersWithOneNameTheFirstClustersIsOffered(t *testing.T) {
	t.Parallel()
	two := newTwoClusters(t, "broker-a")
	f := serveFile(t, two.file("[[route]]\ntopic = { prefix = 'order' }\ncluster = 'b'\n"))
	names := dial(t, f.Addr("office"))
	f.await(func() bool {
		_, page := f.request("GET", "/metrics", "")
		return strings.Contains(page, "rocketmq_proxy_brokers_left_out{listener=\"office\"} 1\n")
	}, "one is left out")
	f.logged("broker left out of routes", "cluster=b", "cluster a has a broker of that name")
	dial(t, names.brokers("News")["broker-a"]).mustSend("x")
	require.Len(t, two.a.Broker("broker-a").Messages("News"), 1)
	require.Empty(t, names.names("orders"), "nowhere else")
}

// versionUnquoted is that of a client which reads fastjson's dialect.
const versionUnquoted = codec.Version4_9_4 - 1
