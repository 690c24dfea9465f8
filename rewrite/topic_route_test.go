package rewrite_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

func TestTopicRouteBrokers(t *testing.T) {
	f := func(body string, want ...route.Broker) {
		t.Helper()
		got, err := rewrite.TopicRouteBrokers([]byte(body))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	master := route.Broker{BrokerID: route.BrokerID{Name: "broker-a", ID: 0}, Cluster: "DefaultCluster", Address: "10.0.0.1:10911"}
	slave := route.Broker{BrokerID: route.BrokerID{Name: "broker-a", ID: 1}, Cluster: "DefaultCluster", Address: "10.0.0.2:10911"}
	f(routeUnquoted, master, slave)
	f(routeQuoted, master, slave)
	f(routeOrder, master, slave)
	f(routeOdd, // broker 123/1 has an empty address
		route.Broker{BrokerID: route.BrokerID{Name: "123", ID: 0}, Address: "10.0.0.1:10911"},
		route.Broker{BrokerID: route.BrokerID{Name: "broker-b", ID: 0}, Cluster: "cé", Address: "[2001:db8::1]:10911"},
		route.Broker{BrokerID: route.BrokerID{Name: "broker-b", ID: 2}, Cluster: "cé", Address: "10.0.0.4:10911"})
	f(`{"brokerDatas":[{"brokerName":"\ud83d\ude00\u00e9\n\/\ud83dx","brokerAddrs":{"\u0031":"h\u003a1"}}]}`,
		route.Broker{BrokerID: route.BrokerID{Name: "😀é\n/\ufffdx", ID: 1}, Address: "h:1"})
	// A broker with brokerIP1=fd00::7 registers without brackets; Java's clients cut at the last colon.
	f(`{"brokerDatas":[{"brokerName":"a","brokerAddrs":{0:"fd00::7:10911"}}]}`,
		route.Broker{BrokerID: route.BrokerID{Name: "a"}, Address: "[fd00::7]:10911"})
	f(`{}`)
	f(`{"brokerDatas":null,"queueDatas":null,"topicQueueMappingByBroker":null}`)
	f(`{"brokerDatas":[{"brokerName":"a","brokerAddrs":null},{"brokerName":"b"},{"brokerName":"c","brokerAddrs":{0:null}}]}`)
	f(`{"brokerDatas":[{"brokerName":"a","brokerAddrs":{-1:"h:1"}}]}`,
		route.Broker{BrokerID: route.BrokerID{Name: "a", ID: -1}, Address: "h:1"})
}

func TestRewriteTopicRouteKeepsTheRest(t *testing.T) {
	// A place for each broker that is where it was: nothing may change but the dialect.
	same := at("broker-a/0=10.0.0.1:10911 broker-a/1=10.0.0.2:10911")
	f := func(body string, d rewrite.Dialect, want string) {
		t.Helper()
		got, err := rewrite.TopicRoute([]byte(body), d, same)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	f(routeUnquoted, rewrite.Unquoted, routeUnquoted)
	f(routeUnquoted, rewrite.Quoted, routeQuoted)
	f(routeQuoted, rewrite.Unquoted, routeUnquoted)
	f(routeQuoted, rewrite.Quoted, routeQuoted)
	f(routeOrder, rewrite.Unquoted, routeOrder)
	f(`{}`, rewrite.Quoted, `{}`)
	f("\t{ \"a\" : [ ] }\n", rewrite.Quoted, "\t{ \"a\" : [ ] }\n")
}

func TestRewriteTopicRouteOdd(t *testing.T) {
	f := func(d rewrite.Dialect, places, want string) {
		t.Helper()
		got, err := rewrite.TopicRoute([]byte(routeOdd), d, at(places))
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	// The process without an address is left out, whatever its place. The broker called "123" stays a string.
	f(rewrite.Unquoted, "123/0=p:1 123/1=p:2 broker-b/0=[2001:db8::9]:3 broker-b/2=p:4", ` {
	"future":{"brokerAddrs":{0:"not an address"},{"brokerName":"x"}:[1,-2.5e+3,true,null,{}],7:"\"}]"},
	"queueDatas":[ {"brokerName":"123","perm":6} , {"perm":4,"brokerName":"broker-\u0062","zone":null} ],
	"brokerDatas":[ {"brokerAddrs":{ 0 : "p:1" },"brokerName":"123","zoneName":"z1"} ,
		{"cluster":"c\u00e9","brokerName":"broker-b","brokerAddrs":{0:"[2001:db8::9]:3",2:"p:4"}} ],
	"topicQueueMappingByBroker":{"123":{"bname":"123","currIdMap":{0:0,1:1},"dirty":false,"totalQueues":2},"broker-b":null}
} `)
	// Without a place for any process of broker-b its queues go with it; the other is as before.
	f(rewrite.Quoted, "123/0=p:1", ` {
	"future":{"brokerAddrs":{"0":"not an address"},{"brokerName":"x"}:[1,-2.5e+3,true,null,{}],"7":"\"}]"},
	"queueDatas":[ {"brokerName":"123","perm":6} ],
	"brokerDatas":[ {"brokerAddrs":{ "0" : "p:1" },"brokerName":"123","zoneName":"z1"} ],
	"topicQueueMappingByBroker":{"123":{"bname":"123","currIdMap":{"0":0,"1":1},"dirty":false,"totalQueues":2},"broker-b":null}
} `)
	// The slave stays a slave: its id is not changed, and the master is not made of it.
	f(rewrite.Quoted, "broker-b/2=p:4", ` {
	"future":{"brokerAddrs":{"0":"not an address"},{"brokerName":"x"}:[1,-2.5e+3,true,null,{}],"7":"\"}]"},
	"queueDatas":[  {"perm":4,"brokerName":"broker-\u0062","zone":null} ],
	"brokerDatas":[ `+`
		{"cluster":"c\u00e9","brokerName":"broker-b","brokerAddrs":{"2":"p:4"}} ],
	"topicQueueMappingByBroker":{"123":{"bname":"123","currIdMap":{"0":0,"1":1},"dirty":false,"totalQueues":2},"broker-b":null}
} `)
}

func TestRewriteTopicRouteLeavesOut(t *testing.T) {
	body := func(ids string) string {
		return `{"brokerDatas":[{"brokerAddrs":{` + ids + `},"brokerName":"a"}],"queueDatas":[{"brokerName":"a"},{"brokerName":"b"}]}`
	}
	f := func(places, want string) {
		t.Helper()
		got, err := rewrite.TopicRoute([]byte(body(`0:"h:0",1:"h:1",2:"h:2",3:"h:3"`)), rewrite.Unquoted, at(places))
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	f("a/0=p:0 a/1=p:1 a/2=p:2 a/3=p:3", body(`0:"p:0",1:"p:1",2:"p:2",3:"p:3"`))
	f("a/0=p:0", body(`0:"p:0"`))
	f("a/1=p:1", body(`1:"p:1"`))
	f("a/3=p:3", body(`3:"p:3"`))
	f("a/0=p:0 a/3=p:3", body(`0:"p:0",3:"p:3"`))
	f("a/1=p:1 a/2=p:2", body(`1:"p:1",2:"p:2"`))
	// Queues of a broker that the route does not list at all are none of our business: clients skip them.
	f("", `{"brokerDatas":[],"queueDatas":[{"brokerName":"b"}]}`)

	// Two entries of one name: the queues stay as long as one entry does.
	got, err := rewrite.TopicRoute([]byte(`{"queueDatas":[{"brokerName":"a"}],"brokerDatas":[{"brokerName":"a","brokerAddrs":{0:"h:0"}},{"brokerName":"a","brokerAddrs":{1:"h:1"}}]}`),
		rewrite.Unquoted, at("a/1=p:1"))
	require.NoError(t, err)
	require.Equal(t, `{"queueDatas":[{"brokerName":"a"}],"brokerDatas":[{"brokerName":"a","brokerAddrs":{1:"p:1"}}]}`, string(got))
}

// Permissions are integers to Java however they are written, and what clients read and what is decided by is the same.
func TestABrokerThatIsShownReadOnlyLosesThePermissionToWrite(t *testing.T) {
	f := func(perm, want string, writable bool) {
		t.Helper()
		body := func(perm string) []byte {
			return []byte(`{"brokerDatas":[{"brokerName":"a","brokerAddrs":{0:"h:0"}}],"queueDatas":[{"brokerName":"a","perm":` + perm + `,"writeQueueNums":"4"}]}`)
		}
		shown, err := rewrite.TopicRoute(body(perm), rewrite.Unquoted, at("a/0=h:0(r)"))
		require.NoError(t, err)
		require.Equal(t, string(body(want)), string(shown))
		topic, err := rewrite.Topic(body(perm))
		require.NoError(t, err)
		require.Equal(t, []route.TopicBroker{{Name: "a", Writable: writable}}, topic.Brokers)
	}
	f(`6`, `4`, true)
	f(`"6"`, `4`, true)
	f(`"\u0036"`, `4`, true)
	f(`" 6 "`, `4`, true)
	f(`6.0`, `4`, true)
	f(`2`, `0`, true)
	for _, none := range []string{`4`, `"4"`, `null`, `""`, `"x"`, `1e999`, `[6]`, `{}`} {
		f(none, none, false)
	}
}

func TestRewriteTopicRouteDoesNotTouchItsInput(t *testing.T) {
	in := []byte(routeUnquoted)
	out, err := rewrite.TopicRoute(in, rewrite.Unquoted, at("broker-a/0=10.0.0.1:10911 broker-a/1=10.0.0.2:10911"))
	require.NoError(t, err)
	clear(out)
	require.Equal(t, routeUnquoted, string(in))
}

func TestRewriteTopicRouteFailure(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		_, err := rewrite.TopicRoute([]byte(body), rewrite.Quoted, everywhere)
		require.ErrorContains(t, err, want)
		require.IsType(t, (*rewrite.BodyError)(nil), err)
		brokers, err := rewrite.TopicRouteBrokers([]byte(body))
		require.ErrorContains(t, err, want)
		require.Empty(t, brokers)
	}
	f(``, `no '{' at byte 0 of 0`)
	f(`[]`, `no '{'`)
	f(`{}x`, `bytes after the object`)
	f(`{"brokerDatas":{}}`, `no '['`)
	f(`{"brokerDatas":[{"brokerAddrs":{0:"h:1"}}]}`, `a broker without a name`)
	f(`{"brokerDatas":[{"brokerName":"a","brokerAddrs":{"x":"h:1"}}]}`, `broker id "x", which is not an integer`)
	f(`{"brokerDatas":[{"brokerName":"a","brokerAddrs":{99999999999999999999:"h:1"}}]}`, `which is not an integer`)
	f(`{"brokerDatas":[{"brokerName":"a","brokerAddrs":{0:17}}]}`, `a value that is not a string`)
	f(`{"brokerDatas":[{"brokerName":"a","brokerName":"b"}]}`, `key "brokerName" twice`)
	f(`{"brokerDatas":[],"brokerDatas":[]}`, `key "brokerDatas" twice`)
	f(`{"queueDatas":[{"brokerName":"a" "perm":6}]}`, `no comma`)
	f(`{"queueDatas":[{"brokerName":"a",}]}`, `no key`)
	f(`{"a" 1}`, `no colon`)
	f(`{0.5:1}`, `which is not an integer`)
	f(`{"a":"b`, `a string without an end`)
	f(`{"a":"b\"}`, `a string without an end`)
	f(`{"a":nil}`, `no value`)
	f(`{"a":[1,]}`, `no value`)
	f(`{"a":-}`, `no value`)
	f(`{"a":1e}`, `no value`)
	f(`{"a":`, `no value`)
	f(`{"a":[`, `no value`)
	f(`{`, `no key`)

	// Nesting costs stack and is bounded, in values and in keys.
	f(`{"a":`+strings.Repeat("[", 100_000), `levels of nesting`)
	f(`{"a":`+strings.Repeat(`{"a":`, 100_000), `levels of nesting`)
	f(strings.Repeat("{", 100_000), `levels of nesting`)
	f(`{"brokerDatas":[{"brokerAddrs":{`+strings.Repeat("{", 100_000), `levels of nesting`)
}

func TestRewriteTopicRouteManyBrokers(t *testing.T) {
	out, err := rewrite.TopicRoute(manyBrokers(1000), rewrite.Quoted, everywhere)
	require.NoError(t, err)
	require.Equal(t, 1000, strings.Count(string(out), `{"0":"mq.example.com:20000","1":"mq.example.com:20000"}`))
	out, err = rewrite.TopicRoute(manyBrokers(1000), rewrite.Quoted, at("broker-500/1=p:1"))
	require.NoError(t, err)
	require.Equal(t, `{"brokerDatas":[{"brokerAddrs":{"1":"p:1"},"brokerName":"broker-500","cluster":"DefaultCluster","enableActingMaster":false}],`+
		`"filterServerTable":{},"queueDatas":[{"brokerName":"broker-500","perm":6,"readQueueNums":8,"topicSysFlag":0,"writeQueueNums":8}]}`, string(out))
}

// Every prefix of a body is an error, and none is a panic.
func TestRewriteTopicRouteCutOff(t *testing.T) {
	body := strings.TrimSpace(routeOdd)
	for n := range len(body) {
		_, err := rewrite.TopicRoute([]byte(body[:n]), rewrite.Quoted, everywhere)
		require.Error(t, err, "first %d bytes", n)
	}
}

func TestDialectFor(t *testing.T) {
	require.Equal(t, rewrite.Unquoted, rewrite.DialectFor(0, false))
	require.Equal(t, rewrite.Unquoted, rewrite.DialectFor(317, false)) // the Go client
	require.Equal(t, rewrite.Quoted, rewrite.DialectFor(317, true))
	require.Equal(t, rewrite.Unquoted, rewrite.DialectFor(400, false))
	require.Equal(t, rewrite.Quoted, rewrite.DialectFor(401, false))
	require.Equal(t, rewrite.Quoted, rewrite.DialectFor(513, false))
}
