package route_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

func TestParseBrokerIDSuccess(t *testing.T) {
	f := func(s, name string, id int64) {
		t.Helper()
		got, err := route.ParseBrokerID(s)
		require.NoError(t, err)
		require.Equal(t, route.BrokerID{Name: name, ID: id}, got)
		require.Equal(t, s, got.String())
	}
	f("broker-a/0", "broker-a", 0)
	f("broker-a/17", "broker-a", 17)
	f("a/b/1", "a/b", 1)
	f("a/-1", "a", -1)
	f("a/9223372036854775807", "a", 1<<63-1)
}

func TestParseBrokerIDFailure(t *testing.T) {
	f := func(s string) {
		t.Helper()
		_, err := route.ParseBrokerID(s)
		require.ErrorContains(t, err, `cannot read the broker "`+s+`": `)
	}
	f("")
	f("broker-a")
	f("/0")
	f("broker-a/")
	f("broker-a/x")
	f("broker-a/00")
	f("broker-a/+1")
	f("broker-a/9223372036854775808")
}

func TestBrokerIDCompare(t *testing.T) {
	a0, a2, a10, b0 := route.BrokerID{Name: "a"}, route.BrokerID{Name: "a", ID: 2}, route.BrokerID{Name: "a", ID: 10}, route.BrokerID{Name: "b"}
	require.Negative(t, a0.Compare(a2))
	require.Negative(t, a2.Compare(a10))
	require.Negative(t, a10.Compare(b0))
	require.Zero(t, b0.Compare(b0))
	require.Positive(t, b0.Compare(a0))
}
