package actors

import (
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/VictoriaMetrics/metrics"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// counterNames and gaugeNames are 26 of the 27 statistics of Envoy's filter; request_time_ms is the 27th.
var (
	counterNames = []string{"request", "request_decoding_success", "request_decoding_error",
		"response", "response_decoding_success", "response_decoding_error", "response_success", "response_error",
		"heartbeat", "unregister", "get_topic_route", "send_message_v1", "send_message_v2", "pop_message", "ack_message",
		"get_consumer_list", "maintenance_failure"}
	gaugeNames = []string{"request_active", "send_message_v1_active", "send_message_v2_active", "pop_message_active",
		"get_topic_route_active", "send_message_pending", "pop_message_pending", "get_topic_route_pending", "total_pending"}
)

// millisecondBuckets are the upper bounds of the histograms in /metrics: from a loopback hop to a long poll.
var millisecondBuckets = []float64{.1, .25, .5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000}

// Statistics is the set of all metrics of one proxy. It outlives the stats actor, which alone moves it.
type Statistics struct {
	Set      *metrics.Set
	mu       sync.Mutex
	prefixes map[string]*prefixStats
}

// prefixStats are the 27 statistics of one stat_prefix.
type prefixStats struct {
	counters map[string]*metrics.Counter
	gauges   map[string]*metrics.Gauge
	buckets  *metrics.PrometheusHistogram

	mu       sync.Mutex
	total    histogram // of request_time_ms
	interval histogram // the last whole interval
	filling  histogram // the present one
}

// NewStatistics makes the set. Every prefix that is going to be used should be named, so that its statistics stand at
// 0 before anything happens.
func NewStatistics(prefixes ...string) *Statistics {
	s := &Statistics{Set: metrics.NewSet(), prefixes: map[string]*prefixStats{}}
	for _, p := range prefixes {
		s.prefix(p)
	}
	return s
}

func (s *Statistics) prefix(name string) *prefixStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.prefixes[name]; p != nil {
		return p
	}
	p := &prefixStats{counters: map[string]*metrics.Counter{}, gauges: map[string]*metrics.Gauge{}}
	for _, n := range counterNames {
		p.counters[n] = s.Set.GetOrCreateCounter(fmt.Sprintf("rocketmq_%s{stat_prefix=%q}", n, name))
	}
	for _, n := range gaugeNames {
		p.gauges[n] = s.Set.GetOrCreateGauge(fmt.Sprintf("rocketmq_%s{stat_prefix=%q}", n, name), nil)
	}
	p.buckets = s.Set.GetOrCreatePrometheusHistogramExt(fmt.Sprintf("rocketmq_request_time_ms{stat_prefix=%q}", name), millisecondBuckets)
	s.prefixes[name] = p
	return p
}

// WriteText prints the 27 statistics of each prefix as Envoy does.
func (s *Statistics) WriteText(w io.Writer) {
	s.mu.Lock()
	names := make([]string, 0, len(s.prefixes))
	for n := range s.prefixes {
		names = append(names, n)
	}
	s.mu.Unlock()
	slices.Sort(names)
	for _, n := range names {
		s.prefix(n).writeText(w, "rocketmq."+n+".")
	}
}

func (p *prefixStats) writeText(w io.Writer, prefix string) {
	lines := make([]string, 0, len(p.counters)+len(p.gauges))
	for n, c := range p.counters {
		lines = append(lines, fmt.Sprintf("%s%s: %d\n", prefix, n, c.Get()))
	}
	for n, g := range p.gauges {
		lines = append(lines, fmt.Sprintf("%s%s: %d\n", prefix, n, int64(g.Get())))
	}
	slices.Sort(lines)
	for _, l := range lines {
		io.WriteString(w, l)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(w, "%srequest_time_ms: %s\n", prefix, envoyText(&p.interval, &p.total))
}

// rotate ends an interval.
func (s *Statistics) rotate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.prefixes {
		p.mu.Lock()
		p.interval, p.filling = p.filling, histogram{}
		p.mu.Unlock()
	}
}

// requestNames are the statistics that a request moves by its code: a counter, and gauges while it is active and while
// it is pending. An empty name is none.
type requestNames struct{ counter, active, pending string }

func namesOf(code int32) requestNames {
	switch code {
	case codec.ReqHeartBeat:
		return requestNames{counter: "heartbeat"}
	case codec.ReqUnregisterClient:
		return requestNames{counter: "unregister"}
	case codec.ReqGetRouteInfoByTopic:
		return requestNames{"get_topic_route", "get_topic_route_active", "get_topic_route_pending"}
	case codec.ReqSendMessage, codec.ReqSendReplyMessage:
		return requestNames{"send_message_v1", "send_message_v1_active", "send_message_pending"}
	case codec.ReqSendMessageV2, codec.ReqSendBatchMessage, codec.ReqSendReplyMessageV2:
		return requestNames{"send_message_v2", "send_message_v2_active", "send_message_pending"}
	case codec.ReqPopMessage, codec.ReqPopMessageEnvoy:
		return requestNames{"pop_message", "pop_message_active", "pop_message_pending"}
	case codec.ReqAckMessage, codec.ReqBatchAckMessage, codec.ReqAckMessageEnvoy:
		return requestNames{counter: "ack_message"}
	case codec.ReqGetConsumerListByGroup:
		return requestNames{counter: "get_consumer_list"}
	}
	return requestNames{}
}

// move applies one sample to the 27.
func (p *prefixStats) move(m *messages.Sample) {
	switch m.Kind {
	case messages.RequestRead:
		p.requestRead(m.Code)
		p.active(m.Code, 1)
	case messages.OnewayRead:
		p.requestRead(m.Code)
	case messages.RequestWaiting:
		p.pending(m.Code, 1)
	case messages.RequestHanded:
		p.pending(m.Code, -1)
	case messages.RequestAnswered:
		p.active(m.Code, -1)
		if route.Ordinary(m.Code, m.Response) {
			p.counters["response_success"].Inc()
		} else {
			p.counters["response_error"].Inc()
		}
		p.time(m.Nanos)
	case messages.RequestAbandoned:
		p.active(m.Code, -1)
		p.counters["response_error"].Inc()
	case messages.RequestMalformed:
		p.counters["request"].Inc()
		p.counters["request_decoding_error"].Inc()
	case messages.ResponseRead:
		p.counters["response"].Inc()
		p.counters["response_decoding_success"].Inc()
	case messages.ResponseMalformed:
		p.counters["response"].Inc()
		p.counters["response_decoding_error"].Inc()
	}
}

func (p *prefixStats) requestRead(code int32) {
	p.counters["request"].Inc()
	p.counters["request_decoding_success"].Inc()
	if n := namesOf(code).counter; n != "" {
		p.counters[n].Inc()
	}
}

func (p *prefixStats) active(code int32, by float64) {
	p.gauges["request_active"].Add(by)
	if n := namesOf(code).active; n != "" {
		p.gauges[n].Add(by)
	}
}

func (p *prefixStats) pending(code int32, by float64) {
	p.gauges["total_pending"].Add(by)
	if n := namesOf(code).pending; n != "" {
		p.gauges[n].Add(by)
	}
}

func (p *prefixStats) time(nanos int64) {
	p.buckets.Update(float64(nanos) / 1e6)
	p.mu.Lock()
	p.total.add(nanos / 1000)
	p.filling.add(nanos / 1000)
	p.mu.Unlock()
}

// Counter reads one of the 27 that is a counter.
func (s *Statistics) Counter(prefix, name string) uint64 {
	return s.prefix(prefix).counters[name].Get()
}
