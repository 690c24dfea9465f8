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
func evenIDs(b route.BrokerID) (string, bool) { return "[2001:db8::9]:20000", b.ID%2 == 0 }

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
	for _, body := range []string{clusterBody, strings.NewReplacer(`{0:`, `{"0":`, `,1:`, `,"1":`).Replace(clusterBody),
		routeUnquoted, consumeStats, ``, `{}`, `{"brokerAddrTable":{"7":{"brokerAddrs":{0:"h:7"}},"b":null},"clusterAddrTable":{"A":["7","b"]}}`} {
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
		if addr, ok := evenIDs(b.BrokerID); ok {
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

// A body cut anywhere into three pieces must come out as in one piece, and only store hosts may change.
func FuzzStoreHostRewriter(f *testing.F) {
	f.Add(slices.Concat(messageV4, messageV6), uint16(66), uint16(70), false)
	f.Add(slices.Concat(bornV4, bornV6, messageV6), uint16(1), uint16(190), true)
	f.Add(with(messageV4, 0, 0xff, 0xff), uint16(0), uint16(0), true)
	f.Add([]byte{}, uint16(0), uint16(0), false)
	f.Fuzz(func(t *testing.T, body []byte, cut1, cut2 uint16, v6 bool) {
		host := hostV4
		if v6 {
			host = hostV6
		}
		whole, parts := slices.Clone(body), slices.Clone(body)
		rewrite.NewStoreHostRewriter(host, 20000).Rewrite(whole)

		from, to := min(int(cut1), len(body)), min(int(cut2), len(body))
		from, to = min(from, to), max(from, to)
		r := rewrite.NewStoreHostRewriter(host, 20000)
		r.Rewrite(parts[:from])
		r.Rewrite(parts[from:to])
		r.Rewrite(parts[to:])
		require.Equal(t, whole, parts)

		again := slices.Clone(whole)
		rewrite.NewStoreHostRewriter(host, 20000).Rewrite(again)
		require.Equal(t, whole, again, "rewriting twice differs: something else than a store host was changed")
	})
}
