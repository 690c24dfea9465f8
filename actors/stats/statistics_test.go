package stats_test

import (
	"bytes"
	"maps"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// with adds up maps of statistics.
func with(all ...map[string]int) map[string]int {
	sum := map[string]int{}
	for _, m := range all {
		maps.Copy(sum, m)
	}
	return sum
}

// each makes a map in which all names have the value 1; "" is left out.
func each(names ...string) map[string]int {
	m := map[string]int{}
	for _, n := range names {
		if n != "" {
			m[n] = 1
		}
	}
	return m
}

// TestStatisticsOfRequests follows one request of each counted code from its pending to its answer; at each step all
// 27 are compared.
func TestStatisticsOfRequests(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code                     int32
		counter, active, pending string
	}{
		{codec.ReqHeartBeat, "heartbeat", "", ""},
		{codec.ReqUnregisterClient, "unregister", "", ""},
		{codec.ReqGetConsumerListByGroup, "get_consumer_list", "", ""},
		{codec.ReqSendMessage, "send_message_v1", "send_message_v1_active", "send_message_pending"},
		{codec.ReqSendReplyMessage, "send_message_v1", "send_message_v1_active", "send_message_pending"},
		{codec.ReqSendMessageV2, "send_message_v2", "send_message_v2_active", "send_message_pending"},
		{codec.ReqSendBatchMessage, "send_message_v2", "send_message_v2_active", "send_message_pending"},
		{codec.ReqSendReplyMessageV2, "send_message_v2", "send_message_v2_active", "send_message_pending"},
		{codec.ReqPopMessage, "pop_message", "pop_message_active", "pop_message_pending"},
		{codec.ReqPopMessageEnvoy, "pop_message", "pop_message_active", "pop_message_pending"},
		{codec.ReqAckMessage, "ack_message", "", ""},
		{codec.ReqAckMessageEnvoy, "ack_message", "", ""},
		{codec.ReqBatchAckMessage, "ack_message", "", ""},
		{codec.ReqPullMessage, "", "", ""},
		{31999, "", "", ""},
	} {
		t.Run(codec.RequestCodeName(c.code), func(t *testing.T) {
			gate := make(chan struct{})
			var slow atomic.Pointer[string]
			r := proxytest.Start(t, proxytest.SlowDial(&slow, gate), proxytest.Options{})
			slow.Store(&r.Broker.Address)
			client := proxytest.Dial(t, r.Port(proxytest.BrokerA))
			client.Request(c.code, "{}")
			read := each("request", "request_decoding_success", c.counter)
			active := each("request_active", c.active)
			r.StatsBecome(with(read, active, each("total_pending", c.pending)), "while the broker is dialed")
			close(gate)
			broker := r.Broker.Accept()
			asked := broker.Next()
			r.StatsBecome(with(read, active), "while the broker works on it")
			broker.Answer(asked, "")
			client.Next()
			done := with(read, each("response", "response_decoding_success", "response_success", "request_time_ms"))
			r.StatsBecome(done, "after the answer")
			client.Send(&codec.Command{Code: c.code, Flag: codec.FlagOneway, Body: []byte("{}")})
			for n := range read {
				done[n] = 2
			}
			r.StatsBecome(done, "after the same as oneway")
		})
	}
}

func TestStatisticsOfRoutes(t *testing.T) {
	t.Parallel()
	ns := proxytest.NewFakeBroker(t)
	gate := make(chan struct{})
	ns.Answers(func(c *codec.Command) *codec.Command {
		if c.Code == codec.ReqGetRouteInfoByTopic {
			<-gate
			return proxytest.TopicRoute(c, "127.0.0.1:1")
		}
		return proxytest.ClusterInfo(c, "127.0.0.1:1")
	})
	r := proxytest.Start(t, proxytest.Best, proxytest.Options{NameServers: []string{ns.Address}, Settings: actors.Settings{QueryTimeout: proxytest.Patience}})
	client := proxytest.Dial(t, r.NameServer())
	client.Send(proxytest.RouteRequest("News"))
	read := each("request", "request_decoding_success", "get_topic_route")
	r.StatsBecome(with(read, each("request_active", "get_topic_route_active", "get_topic_route_pending", "total_pending")), "while the name server thinks")
	close(gate)
	require.Equal(t, codec.ResSuccess, client.Next().Code)
	r.StatsBecome(with(read, each("response_success", "request_time_ms")), "after the answer, which is no response of an upstream")
}

// The outcome of a request decides between response_success and response_error.
func TestStatisticsOfOutcomes(t *testing.T) {
	t.Parallel()
	r := proxytest.Start(t, proxytest.Best, proxytest.Options{})
	client, broker := r.Pinned()
	want := with(each("request", "request_decoding_success"))
	r.StatsBecome(want, "at first")
	for _, c := range []struct {
		request, response int32
		outcome           string
	}{
		{codec.ReqSendMessage, codec.ResSuccess, "response_success"},
		{codec.ReqSendMessage, codec.ResFlushDiskTimeout, "response_success"},
		{codec.ReqSendMessage, codec.ResSystemError, "response_error"},
		{codec.ReqSendMessage, codec.ResPullNotFound, "response_error"},
		{codec.ReqPullMessage, codec.ResPullNotFound, "response_success"},
		{codec.ReqPopMessage, codec.ResPollingTimeout, "response_success"},
		{codec.ReqPopMessage, codec.ResNoPermission, "response_error"},
		{codec.ReqQueryConsumerOffset, codec.ResQueryNotFound, "response_success"},
		{codec.ReqGetMaxOffset, codec.ResQueryNotFound, "response_error"},
	} {
		client.Request(c.request, "")
		broker.Write(proxytest.Frame(broker.Next().Answer(c.response, "")))
		require.Equal(t, c.response, client.Next().Code)
		for _, n := range []string{"request", "request_decoding_success", "response", "response_decoding_success", "request_time_ms", c.outcome} {
			want[n]++
		}
		switch c.request {
		case codec.ReqSendMessage:
			want["send_message_v1"]++
		case codec.ReqPopMessage:
			want["pop_message"]++
		}
		r.StatsBecome(want, codec.RequestCodeName(c.request)+" answered "+codec.ResponseCodeName(c.response))
	}
	client.Request(codec.ReqPullMessage, "its client goes away")
	broker.Next()
	client.Close()
	want["request"]++
	want["request_decoding_success"]++
	want["response_error"]++
	r.StatsBecome(want, "a request that cannot be answered any more")
}

func TestStatisticsOfBadFrames(t *testing.T) {
	t.Parallel()
	r := proxytest.Start(t, proxytest.Best, proxytest.Options{})
	client, broker := r.Pinned()
	broker.Write(proxytest.Prefix(-1, 0, ""))
	r.StatsBecome(each("request", "request_decoding_success", "response", "response_decoding_error"), "a broker's")
	client.Write(proxytest.Prefix(-1, 0, ""))
	r.StatsBecome(with(each("request_decoding_success", "request_decoding_error", "response", "response_decoding_error"),
		map[string]int{"request": 2}), "a client's")
}

// request_time_ms is the time between a request and its answer, whoever gives it.
func TestRequestTimeIsMeasured(t *testing.T) {
	t.Parallel()
	r := proxytest.Start(t, proxytest.Best, proxytest.Options{})
	client, broker := r.Pinned()
	client.Request(codec.ReqPullMessage, "")
	asked := broker.Next()
	const pause = 30 * time.Millisecond
	time.Sleep(pause) // the broker takes its time; the measured one is at least that
	broker.Answer(asked, "")
	client.Next()
	r.Until("it is counted", func() bool { return r.Stats()["request_time_ms"] == 1 })
	require.GreaterOrEqual(t, r.Metrics()[`rocketmq_request_time_ms_sum{stat_prefix="main"}`], float64(pause.Milliseconds()))
	require.Equal(t, 1, r.BrokerMetric("upstream_duration_seconds_count", "broker", ""))
	require.Zero(t, r.Metrics()[`rocketmq_request_time_ms_bucket{stat_prefix="main",le="25"}`])
	require.Equal(t, 1.0, r.Metrics()[`rocketmq_request_time_ms_bucket{stat_prefix="main",le="60000"}`])
}

func TestStatsTextIsEnvoys(t *testing.T) {
	t.Parallel()
	r := proxytest.Start(t, proxytest.Best, proxytest.Options{})
	require.Equal(t, `rocketmq.main.ack_message: 0
rocketmq.main.get_consumer_list: 0
rocketmq.main.get_topic_route: 0
rocketmq.main.get_topic_route_active: 0
rocketmq.main.get_topic_route_pending: 0
rocketmq.main.heartbeat: 0
rocketmq.main.maintenance_failure: 0
rocketmq.main.pop_message: 0
rocketmq.main.pop_message_active: 0
rocketmq.main.pop_message_pending: 0
rocketmq.main.request: 0
rocketmq.main.request_active: 0
rocketmq.main.request_decoding_error: 0
rocketmq.main.request_decoding_success: 0
rocketmq.main.response: 0
rocketmq.main.response_decoding_error: 0
rocketmq.main.response_decoding_success: 0
rocketmq.main.response_error: 0
rocketmq.main.response_success: 0
rocketmq.main.send_message_pending: 0
rocketmq.main.send_message_v1: 0
rocketmq.main.send_message_v1_active: 0
rocketmq.main.send_message_v2: 0
rocketmq.main.send_message_v2_active: 0
rocketmq.main.total_pending: 0
rocketmq.main.unregister: 0
rocketmq.main.request_time_ms: No recorded values
`, statsText(r))
	client, broker := r.Pinned()
	client.Request(codec.ReqSendMessageV2, "")
	asked := broker.Next()
	r.Until("the request is active", func() bool { return strings.Contains(statsText(r), "rocketmq.main.send_message_v2_active: 1\n") })
	broker.Answer(asked, "")
	client.Next()
	r.Until("the answer is counted", func() bool { return strings.Contains(statsText(r), "rocketmq.main.response_success: 1\n") })
	require.Contains(t, statsText(r), "rocketmq.main.send_message_v2_active: 0\n")
	quantile := `\((nan|[0-9.e+-]+),[0-9.e+-]+\)`
	line := `\nrocketmq\.main\.request_time_ms: P0` + quantile
	for _, q := range []string{"P25", "P50", "P75", "P90", "P95", `P99`, `P99\.9`, "P100"} {
		line += " " + q + quantile
	}
	require.Regexp(t, regexp.MustCompile(line+`\n$`), statsText(r))
}

func statsText(r *proxytest.Real) string {
	var b bytes.Buffer
	r.Tree.Stats.WriteText(&b)
	return b.String()
}

func TestStatPrefixIsTheListeners(t *testing.T) {
	t.Parallel()
	r := proxytest.Start(t, proxytest.Best, proxytest.Options{Listener: func(l *actors.Listener) { l.StatPrefix = "branch" }})
	r.Pinned()
	r.Until("it is counted", func() bool { return r.Tree.Stats.Counter("branch", "request") == 1 })
	require.Zero(t, r.Tree.Stats.Counter("main", "request"))
	require.Contains(t, statsText(r), "rocketmq.branch.request: 1\n")
}

func TestLabelledMetrics(t *testing.T) {
	t.Parallel()
	r := proxytest.Start(t, proxytest.Best, proxytest.Options{})
	client := proxytest.Dial(t, r.Port(proxytest.BrokerA))
	var down, up int
	exchange := func(broker *proxytest.Client, c *codec.Command) {
		client.Send(c)
		down += len(proxytest.Frame(c))
		asked := broker.Next()
		a := asked.Answer(codec.ResSuccess, "")
		a.Body = make([]byte, 5000)
		up += len(proxytest.Frame(a))
		broker.Write(proxytest.Frame(a))
		client.Next()
	}
	client.Send(&codec.Command{Code: codec.ReqUpdateConsumerOffset, Flag: codec.FlagOneway})
	down += len(proxytest.Frame(&codec.Command{Code: codec.ReqUpdateConsumerOffset, Flag: codec.FlagOneway, Opaque: 1}))
	broker := r.Broker.Accept()
	broker.Next()
	exchange(broker, &codec.Command{Code: codec.ReqSendMessageV2, Body: make([]byte, 3000)})
	exchange(broker, &codec.Command{Code: codec.ReqSendMessageV2})
	exchange(broker, &codec.Command{Code: 31999})
	exchange(broker, &codec.Command{Code: 31998})
	r.Until("all is counted", func() bool {
		return r.BrokerMetric("downstream_bytes_total", "broker", `,direction="sent"`) == up
	})
	require.Equal(t, down, r.BrokerMetric("downstream_bytes_total", "broker", `,direction="received"`))
	require.Equal(t, down, r.BrokerMetric("upstream_bytes_total", "broker", `,direction="sent"`))
	require.Equal(t, up, r.BrokerMetric("upstream_bytes_total", "broker", `,direction="received"`))
	require.Equal(t, 1, r.BrokerMetric("requests_total", "broker", `,request_code="15",name="UPDATE_CONSUMER_OFFSET"`))
	require.Equal(t, 2, r.BrokerMetric("requests_total", "broker", `,request_code="310",name="SEND_MESSAGE_V2"`))
	require.Equal(t, 2, r.BrokerMetric("requests_total", "broker", `,request_code="other",name="OTHER"`), "clients invent no metrics")
	require.Equal(t, 4, r.BrokerMetric("upstream_duration_seconds_count", "broker", ""))
	require.Equal(t, 1, r.BrokerMetric("downstream_connections", "broker", ""))
	require.Equal(t, 1, r.BrokerMetric("upstream_connections_total", "broker", ""))
	client.Close()
	r.Settle(1)
	require.Zero(t, r.BrokerMetric("upstream_losses_total", "broker", ""))
}

// Brokers and ports are told apart.
func TestMetricsOfTwoBrokers(t *testing.T) {
	t.Parallel()
	cl := proxytest.StartCluster(t, embedded.Options{Brokers: []embedded.BrokerOptions{{Name: "broker-a"}, {Name: "broker-b"}}})
	r := proxytest.Launch(t, proxytest.Best, proxytest.Options{NameServers: cl.NameServers()})
	r.UntilOpen()
	b := proxytest.BrokerA
	b.Name = "broker-b"
	for range 2 {
		proxytest.Dial(t, r.Port(proxytest.BrokerA)).Call(&codec.Command{Code: codec.ReqGetBrokerConfig})
	}
	proxytest.Dial(t, r.Port(b)).Call(&codec.Command{Code: codec.ReqGetBrokerConfig})
	proxytest.Dial(t, r.NameServer()).Call(&codec.Command{Code: codec.ReqGetAllTopicListFromNameServer})
	for labels, want := range map[string]float64{
		`port="broker",broker="broker-a/0",request_code="26",name="GET_BROKER_CONFIG"`:                                                 2,
		`port="broker",broker="broker-b/0",request_code="26",name="GET_BROKER_CONFIG"`:                                                 1,
		`port="name-server",broker="",request_code="206",name="` + codec.RequestCodeName(codec.ReqGetAllTopicListFromNameServer) + `"`: 1,
	} {
		name := `rocketmq_proxy_requests_total{listener="office",` + labels + `}`
		r.Until(name, func() bool { return r.Metrics()[name] == want })
	}
	require.Equal(t, 1, cl.Broker("broker-b").Requests(codec.ReqGetBrokerConfig))
}
