package server

import (
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// hostileName is a broker's name that Go would quote by escapes of which the text format knows nothing.
const hostileName = "odd\t\"\\\a\u200b\u00a0\nname"

// Whatever brokers are called, a scraper reads the page: each metric once, with its type and an explanation.
func TestMetricsAreValidWhateverBrokersAreCalled(t *testing.T) {
	cluster := proxytest.StartCluster(t, embedded.Options{Brokers: []embedded.BrokerOptions{{Name: hostileName}}})
	s := startProxy(t, cluster.NameServers()[0], func(*config.Listener, *config.Cluster) {})
	dial(t, dial(t, s.Addr("main")).routed()).served()

	var page string
	require.Eventually(t, func() bool { // what was counted comes a moment later
		page = s.page("/metrics")
		return strings.Contains(page, "\nrocketmq_proxy_upstream_duration_seconds_count{")
	}, patience, time.Millisecond)
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(page))
	require.NoError(t, err)
	require.Len(t, regexp.MustCompile(`(?m)^# TYPE `).FindAllString(page, -1), len(families), "each family once")
	for name, f := range families {
		require.NotEmpty(t, f.GetHelp(), name)
		require.NotContains(t, page, "# TYPE "+name+" untyped")
	}
	brokers := families["rocketmq_proxy_broker_up"].GetMetric()
	require.Len(t, brokers, 1)
	require.Equal(t, hostileName+"/0", brokers[0].GetLabel()[1].GetValue())
}

// Bytes of another protocol count by what they look like, and each look is there before anything came.
func TestMalformedFramesCountByWhatTheyLookLike(t *testing.T) {
	s := startProxy(t, dress(t, nil).nameServer, func(l *config.Listener, _ *config.Cluster) { l.GRPC.Enabled = false })
	require.Contains(t, s.page("/metrics"), `rocketmq_proxy_malformed_frames_total{looks_like="unknown"} 0`)
	for looks, bytes := range map[string]string{
		codec.LooksLikeHTTP: "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		codec.LooksLikeGRPC: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"unknown":           "\xff\xff\xff\xff\xff\xff\xff\xff",
	} {
		c := dial(t, s.Addr("main"))
		c.Write([]byte(bytes))
		require.Eventually(t, func() bool {
			return strings.Contains(s.page("/metrics"), `rocketmq_proxy_malformed_frames_total{looks_like="`+looks+`"} 1`)
		}, patience, time.Millisecond, looks)
		require.Eventually(t, func() bool { return strings.Contains(s.log.String(), looks) }, patience, time.Millisecond, "the log says so")
	}
}

// The page says which build it is of.
func TestMetricsTellTheBuild(t *testing.T) {
	s := &Server{}
	WithBuild(BuildInfo{Version: "v1.2.3", Revision: "abc, modified"})(s)
	set, page := metrics.NewSet(), &strings.Builder{}
	s.buildInfo.describe(set)
	set.WritePrometheus(page)
	require.Equal(t, `rocketmq_proxy_build_info{version="v1.2.3",revision="abc, modified",go_version="`+runtime.Version()+"\"} 1\n", page.String())
}
