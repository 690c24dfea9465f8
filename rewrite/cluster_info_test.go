package rewrite_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

func TestClusterBrokers(t *testing.T) {
	got, err := rewrite.ClusterBrokers([]byte(clusterBody))
	require.NoError(t, err)
	require.Equal(t, []route.Broker{
		{BrokerID: route.BrokerID{Name: "broker-a", ID: 0}, Cluster: "DefaultCluster", Address: "10.0.0.1:10911"},
		{BrokerID: route.BrokerID{Name: "broker-a", ID: 1}, Cluster: "DefaultCluster", Address: "10.0.0.2:10911"},
	}, got)
}

func TestRewriteCluster(t *testing.T) {
	f := func(body, places, want string) {
		t.Helper()
		got, err := rewrite.ClusterInfo([]byte(body), at(places))
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	same := "broker-a/0=10.0.0.1:10911 broker-a/1=10.0.0.2:10911"
	f(clusterBody, same, clusterBody)
	f(strings.NewReplacer(`{0:`, `{"0":`, `,1:`, `,"1":`).Replace(clusterBody), same, clusterBody) // always unquoted
	f(clusterBody, "broker-a/1=p:1",
		`{"brokerAddrTable":{"broker-a":{"brokerAddrs":{1:"p:1"},"brokerName":"broker-a","cluster":"DefaultCluster","enableActingMaster":false}},"clusterAddrTable":{"DefaultCluster":["broker-a"]}}`)
	f(clusterBody, "", `{"brokerAddrTable":{},"clusterAddrTable":{"DefaultCluster":[]}}`)

	// Two clusters; a broker called "7" stays a string in key position; the tables in the other order.
	two := `{"clusterAddrTable":{"A":["7", "b"],"B":["c","b"]},"brokerAddrTable":{"7":{"brokerAddrs":{0:"h:7"}},"b":{"brokerAddrs":{0:"h:0"}} ,"c":{"brokerAddrs":{"0":"h:0"}}},"new":1}`
	f(two, "7/0=p:7 c/0=p:9",
		`{"clusterAddrTable":{"A":["7"],"B":["c"]},"brokerAddrTable":{"7":{"brokerAddrs":{0:"p:7"}},"c":{"brokerAddrs":{0:"p:9"}}},"new":1}`)
	f(two, "b/0=p:8",
		`{"clusterAddrTable":{"A":[ "b"],"B":["b"]},"brokerAddrTable":{"b":{"brokerAddrs":{0:"p:8"}} },"new":1}`)
	f(`{"brokerAddrTable":null,"clusterAddrTable":null}`, "", `{"brokerAddrTable":null,"clusterAddrTable":null}`)
	f(`{"brokerAddrTable":{"a":null},"clusterAddrTable":{"A":null}}`, "", `{"brokerAddrTable":{},"clusterAddrTable":{"A":null}}`)
}

func TestRewriteClusterFailure(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		_, err := rewrite.ClusterInfo([]byte(body), everywhere)
		require.ErrorContains(t, err, want)
		brokers, err := rewrite.ClusterBrokers([]byte(body))
		require.ErrorContains(t, err, want)
		require.Empty(t, brokers)
	}
	f(``, `cannot read the cluster body: no '{' at byte 0 of 0`)
	f(`{"brokerAddrTable":[]}`, `no '{'`)
	f(`{"brokerAddrTable":{},"brokerAddrTable":{}}`, `twice`)
	f(`{"clusterAddrTable":{"A":["a",1]}}`, `not a string`)
	f(`{"brokerAddrTable":`+strings.Repeat(`{"a":`, 100_000), `levels of nesting`)
}

// An answer that a hostile name server made to cost work: bounded by its size.
func TestRewriteClusterManyBrokers(t *testing.T) {
	body := `{"brokerAddrTable":{"a":{"brokerAddrs":{` + strings.TrimSuffix(strings.Repeat(`"0":"h:1",`, 200_000), ",") + `}}}}`
	out, err := rewrite.ClusterInfo([]byte(body), everywhere)
	require.NoError(t, err)
	require.Equal(t, 200_000, strings.Count(string(out), `0:"mq.example.com:20000"`))
	out, err = rewrite.ClusterInfo([]byte(body), at(""))
	require.NoError(t, err)
	require.Equal(t, `{"brokerAddrTable":{}}`, string(out))
}
