package rewrite_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// evenIDs gives a place to every second broker process, so that some are left out.
func evenIDs(b route.BrokerID) (string, route.Show) {
	if b.ID%2 != 0 {
		return "", route.ShowNothing
	}
	return "[2001:db8::9]:20000", route.ShowAll
}

func FuzzTopicRoute(f *testing.F) {
	for _, body := range []string{routeUnquoted, routeQuoted, routeOrder, routeOdd, consumeStats, clusterBody, ``, `{}`, `null`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := slices.Clone(body)
		brokers, err := rewrite.TopicRouteBrokers(body)
		for _, d := range []rewrite.Dialect{rewrite.Quoted, rewrite.Unquoted} {
			out, rewriteErr := rewrite.TopicRoute(body, d, evenIDs)
			require.Equal(t, err, rewriteErr, "reading and rewriting disagree")
			if err == nil {
				requireRewritten(t, brokers, rewrite.TopicRouteBrokers, out, func(b []byte) ([]byte, error) {
					return rewrite.TopicRoute(b, d, evenIDs)
				})
			}
			if err == nil && d == rewrite.Quoted && json.Valid(body) {
				require.True(t, json.Valid(out), "JSON in, no JSON out: %q", out)
			}
		}
		require.True(t, bytes.Equal(before, body), "the body was written to")
	})
}

func FuzzCluster(f *testing.F) {
	for _, body := range []string{
		clusterBody, strings.NewReplacer(`{0:`, `{"0":`, `,1:`, `,"1":`).Replace(clusterBody),
		routeUnquoted, consumeStats, ``, `{}`, `{"brokerAddrTable":{"7":{"brokerAddrs":{0:"h:7"}},"b":null},"clusterAddrTable":{"A":["7","b"]}}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := slices.Clone(body)
		brokers, err := rewrite.ClusterBrokers(body)
		out, rewriteErr := rewrite.ClusterInfo(body, evenIDs)
		require.Equal(t, err, rewriteErr, "reading and rewriting disagree")
		if err == nil {
			requireRewritten(t, brokers, rewrite.ClusterBrokers, out, func(b []byte) ([]byte, error) {
				return rewrite.ClusterInfo(b, evenIDs)
			})
		}
		require.True(t, bytes.Equal(before, body), "the body was written to")
	})
}

// requireRewritten checks a rewritten body: it has the brokers with a place, at that place, and rewriting it again
// changes nothing.
func requireRewritten(t *testing.T, brokers []route.Broker, read func([]byte) ([]route.Broker, error), out []byte,
	rewrite func([]byte) ([]byte, error),
) {
	t.Helper()
	var want []route.Broker
	for _, b := range brokers {
		if addr, show := evenIDs(b.BrokerID); show == route.ShowAll {
			b.Address = addr
			want = append(want, b)
		}
	}
	got, err := read(out)
	require.NoError(t, err)
	require.Equal(t, want, got)
	again, err := rewrite(out)
	require.NoError(t, err)
	require.Equal(t, string(out), string(again))
}
