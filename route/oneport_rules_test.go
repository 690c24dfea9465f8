package route_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// knowing is a client that knows a topic of cluster a.
func knowing(topic string, t route.Topic) *route.Client {
	c := &route.Client{}
	c.Learn(route.TopicKey{Cluster: "a", Topic: topic}, t)
	return c
}

func on(names ...string) (t route.Topic) {
	for _, name := range names {
		t.Brokers = append(t.Brokers, route.TopicBroker{Name: name, Writable: true})
	}
	return t
}

func TestQueuesOfStaticTopicsAreMapped(t *testing.T) {
	topic := on("a1", "a2")
	topic.Logical = map[route.LogicalQueue]string{{Broker: "__syslo__global__", Queue: 0}: "a1", {Broker: "__syslo__global__", Queue: 7}: "a2"}
	f := func(want string, c *codec.Command, body string) {
		t.Helper()
		client := knowing("News", topic)
		client.Body = []byte(body)
		require.Equal(t, want, said(decide(brokers("a1", "a2"), onOnePort(client), c)))
	}
	pull := func(queue, name string) *codec.Command {
		return &codec.Command{Code: 11, Ext: map[string]string{"topic": "News", "queueId": queue, "bname": name}}
	}
	f("a2", pull("7", "__syslo__global__"), "")
	f("a1", pull("0", "__syslo__global__"), "")
	f("14", pull("1", "__syslo__global__"), "")
	f("14", pull("7", "__syslo__none__"), "")
	f("a2", &codec.Command{Code: 310, Ext: map[string]string{"b": "News", "e": "7", "n": "__syslo__global__"}}, "")
	f("a2", &codec.Command{Code: 41}, `{"mqSet":[{"brokerName":"__syslo__global__","queueId":7,"topic":"News"}]}`)

	v := decide(brokers("a1", "a2"), onOnePort(&route.Client{}), pull("7", "__syslo__global__"))
	require.Equal(t, []route.TopicKey{{Cluster: "a", Topic: "News"}}, *v.Ask)
	unknown := knowing("News", route.Topic{Unknown: true})
	require.Equal(t, "14", said(decide(brokers("a1", "a2"), onOnePort(unknown), pull("7", "__syslo__global__"))))
}

func TestLocksAreForOneBroker(t *testing.T) {
	f := func(want, body string) {
		t.Helper()
		require.Equal(t, want, said(decide(brokers("a1", "a2"), onOnePort(&route.Client{Body: []byte(body)}), &codec.Command{Code: 42})), body)
	}
	const queue = `{"brokerName":"a2","queueId":1,"topic":"News"}`
	f("a2", `{"mqSet":[`+queue+`,`+queue+`]}`)
	f("a2", `{"mqSet":`+queue+`}`)
	f("a2", `{"mqSet":null,"mqSet":[`+queue+`,{"queueId":3}]}`)
	f("15", `{"mqSet":[`+queue+`,{"brokerName":"a1"}]}`)
	f("14", `{"mqSet":[`+queue+`,{"brokerName":"z"}]}`)
	f("15", `{"mqSet":[]}`)
	f("15", `{"mqSet":null}`)
	f("15", ``)
	f("15", `[5]`)
	f("15", `{"mqSet":[5,"x",[`)
}

// A broker would create a topic that its cluster does not have, and the messages would lie where nobody looks.
func TestASendOfATopicThatMovedIsAnswered17(t *testing.T) {
	two := brokers("a1", "b1")
	f := func(want string, ofB *route.Topic, code int32, topic string) {
		t.Helper()
		client := &route.Client{}
		if ofB != nil {
			client.Learn(route.TopicKey{Cluster: "b", Topic: topic}, *ofB)
		}
		c, _ := requestOf(code, ofTopic, "b1")
		c.Ext["topic"], c.Ext["b"] = topic, topic
		v := decide(two, onOnePort(client), c)
		if v.Action == route.AskTopics {
			require.Equal(t, []route.TopicKey{{Cluster: "b", Topic: topic}}, *v.Ask)
			require.Equal(t, "ask", want)
			return
		}
		require.Equal(t, want, said(v))
	}
	there := on("b1")
	for _, code := range []int32{10, 310, 320, 324, 325} {
		f("ask", nil, code, "News")
		f("b1", &there, code, "News")
		f("17", &route.Topic{}, code, "News")
		f("b1", &route.Topic{Unknown: true}, code, "News")
		f("b1", &route.Topic{}, code, "%RETRY%g")
	}
	f("b1", nil, 11, "News")
	require.Equal(t, "a1", said(decide(two, onOnePort(nil), &codec.Command{Code: 10, Ext: map[string]string{"topic": "News", "bname": "a1"}})))
}

// Tools ask each broker once and add up.
func TestIdenticalQueriesGoToTheBrokersInTurn(t *testing.T) {
	three := brokers("a3", "a1", "a2")
	client := knowing("News", on("a1", "a2", "a3"))
	ask := func(key, unique string) string {
		return said(decide(three, onOnePort(client), &codec.Command{Code: 12, Opaque: int32(client.Now % 1000), Ext: map[string]string{
			"topic": "News", "key": key, "maxNum": "32", "_UNIQUE_KEY_QUERY": unique,
		}}))
	}
	for range 2 {
		require.Equal(t, "a1", ask("k", "false"))
		require.Equal(t, "a1", ask("l", "false"))
		require.Equal(t, "a1", ask("k", "true"))
		client.Now += int64(4 * time.Second)
		require.Equal(t, "a2", ask("k", "false"))
		require.Equal(t, "a3", ask("k", "false"))
		require.Equal(t, "a1", ask("k", "false"))
		client.Now += int64(2 * time.Second) // six after the first
	}
	for i := range 10_000 {
		ask(fmt.Sprint("many", i), "false")
	}
	require.Equal(t, "a1", ask("k", "false"))
}

func TestAHeartbeatLooksAtABoundedNumberOfTopics(t *testing.T) {
	var body strings.Builder
	body.WriteString(`{"clientID":"c","consumerDataSet":[`)
	for i := range 3000 {
		fmt.Fprintf(&body, `{"groupName":"g%d","subscriptionDataSet":[{"topic":"T%d"}]},`, i, i)
	}
	client := &route.Client{Body: []byte(strings.TrimSuffix(body.String(), ",") + `]}`)}
	beat := &codec.Command{Code: 34}
	v := decide(brokers("a1", "a2"), onOnePort(client), beat)
	require.Len(t, *v.Ask, 100)
	for _, key := range *v.Ask {
		client.Learn(key, on("a2"))
	}
	require.Equal(t, "all of a2", said(decide(brokers("a1", "a2"), onOnePort(client), beat)))
}

// Each group has a topic for what comes back, which may be in every cluster.
func TestAHeartbeatIsDecidedHoweverManyClustersThereAre(t *testing.T) {
	var groups []string
	for i := range 120 {
		groups = append(groups, fmt.Sprintf(`{"groupName":"g%d","subscriptionDataSet":[{"topic":"News"},{"topic":"%%RETRY%%g%d"}]}`, i, i))
	}
	client := &route.Client{Body: []byte(`{"clientID":"c","consumerDataSet":[` + strings.Join(groups, ",") + `]}`)}
	table, beat := brokers("a1", "b1", "c1"), &codec.Command{Code: 34}
	v := decide(table, onOnePort(client), beat)
	require.Len(t, *v.Ask, 1+84*3, "each topic once")
	for _, key := range *v.Ask {
		client.Learn(key, on(key.Cluster+"1"))
	}
	require.Equal(t, "all of a1,b1,c1", said(decide(table, onOnePort(client), beat)))
}

func TestHeartbeatsGoToBrokersThatAreUpOrHaveALink(t *testing.T) {
	f := func(want string, table *route.Table, body string) {
		t.Helper()
		client := knowing("News", on("a1", "a2"))
		client.Learn(route.TopicKey{Cluster: "a", Topic: "Gone"}, route.Topic{})
		client.Linked = []route.BrokerID{{Name: "a3"}}
		client.Body = []byte(body)
		require.Equal(t, want, said(decide(table, onOnePort(client), &codec.Command{Code: 34})))
	}
	const news = `{"consumerDataSet":[{"subscriptionDataSet":[{"topic":"News"},{"topic":"Gone"},{"topic":null}]}]}`
	f("all of a1,a2,a3", brokers("a1", "a2", "a3", "a4"), news)
	f("all of a2,a3", brokers("!a1", "a2", "!a3"), news)
	f("all of a3", brokers("a1", "a2", "a3"), `{"producerDataSet":[{"groupName":"p"}]}`)
	f("all of a3", brokers("a1", "a2", "a3"), `{"consumerDataSet":null}`)
	f("all of a3", brokers("a1", "a2", "a3"), `{"consumerDataSet":[{"subscriptionDataSet":5},`)
	f("all of a1,a2,a3", brokers("a1", "a2", "a3"), `{"consumerDataSet":{"subscriptionDataSet":{"topic":"News"}}}`)
}

func TestTheTopicsOfAListMustBeOfOneCluster(t *testing.T) {
	client := &route.Client{Body: []byte(`{"topicConfigList":[{"topicName":"%RETRY%g"},{"topicName":"News"}]}`)}
	v := decide(brokers("a1", "b1"), onOnePort(client), &codec.Command{Code: 18})
	require.Equal(t, codec.ResVersionNotSupported, v.Code)
	require.Contains(t, v.Remark, "belong to several clusters")

	var many strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&many, `{"topicName":"News%d"},`, i)
	}
	client.Body = []byte(`{"topicConfigList":[` + many.String() + `{"topicName":"%RETRY%g"}]}`)
	require.Equal(t, "15", said(decide(brokers("a1", "b1"), onOnePort(client), &codec.Command{Code: 18})), "the last one too")
	client.Body = []byte(`{"topicConfigList":[` + many.String() + `{"topicName":"News"}]}`)
	require.Equal(t, "all of a1", said(decide(brokers("a1", "b1"), onOnePort(client), &codec.Command{Code: 18})))
}

func TestWhatTheProxyAnswersForASlowBroker(t *testing.T) {
	left := maps.Clone(requestCodes)
	f := func(want time.Duration, codes ...int32) {
		t.Helper()
		for _, code := range codes {
			require.Equal(t, want, route.OnePortTimeout(code, route.DefaultOnePortTimeout), "code %d", code)
			require.Zero(t, route.OnePortTimeout(code, 0))
			delete(left, code)
		}
	}
	f(2700*time.Millisecond, 10, 310, 320, 324, 325, 14, 15, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 46, 370, 400)
	f(800*time.Millisecond, 41, 42)
	for code := range left {
		f(0, code)
	}
	require.Equal(t, 100*time.Millisecond, route.OnePortTimeout(41, 100*time.Millisecond))

	g := func(j route.Join, code int32, soon, late time.Duration) {
		t.Helper()
		s, l := j.Timeouts(code, route.DefaultOnePortTimeout)
		require.Equal(t, []time.Duration{soon, late}, []time.Duration{s, l})
	}
	g(route.OfHeartbeats, 34, time.Second, 2700*time.Millisecond)
	g(route.ErrorWins, 17, 4*time.Second, 4*time.Second)
	g(route.OneHit, 33, 2700*time.Millisecond, 2700*time.Millisecond)
	g(route.FirstSuccess, 35, 2700*time.Millisecond, 2700*time.Millisecond)
}

// What a client made up as a topic is neither asked for nor kept, however many of its requests name it in whatever way: 256
// names of 1 MB would be kept for each client.
func TestOnOnePortImpossibleTopicsAreNotAskedFor(t *testing.T) {
	clusters := brokers("a1", "a2", "b1")
	heartbeat := `{"clientID":"c","consumerDataSet":[{"groupName":"g","subscriptionDataSet":[{"topic":"%s","subString":"*"}]}]}`
	for name, body := range map[string]string{strings.Repeat("x", 1025): strings.Repeat("x", 1025), "\x00cluster": `\u0000cluster`} {
		for _, request := range []*codec.Command{
			{Code: 10, Ext: map[string]string{"topic": name}},
			{Code: 10, Ext: map[string]string{"topic": name, "bname": "b1"}},
			{Code: 310, Ext: map[string]string{"b": name, "n": "__syslo__global__"}},
			{Code: 30, Ext: map[string]string{"topic": name}},
			{Code: 41, Ext: map[string]string{}},
			{Code: 34, Ext: map[string]string{}},
		} {
			client := &route.Client{Body: []byte(fmt.Sprintf(heartbeat, body))}
			if request.Code == 41 {
				client.Body = []byte(fmt.Sprintf(`{"mqSet":[{"brokerName":"__syslo__global__","topic":"%s","queueId":1}]}`, body))
			}
			require.NotEqual(t, route.AskTopics, decide(clusters, onOnePort(client), request).Action, "code %d, %.10q", request.Code, name)
		}
	}
	long := &codec.Command{Code: 10, Ext: map[string]string{"topic": strings.Repeat("x", 1024)}}
	require.Equal(t, route.AskTopics, decide(clusters, onOnePort(&route.Client{}), long).Action)
}
