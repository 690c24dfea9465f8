package stats

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/VictoriaMetrics/metrics"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/exposition"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// counterNames and gaugeNames are 26 of the 27 statistics of Envoy's filter; request_time_ms is the 27th.
var (
	counterNames = []string{
		"request", "request_decoding_success", "request_decoding_error",
		"response", "response_decoding_success", "response_decoding_error", "response_success", "response_error",
		"heartbeat", "unregister", "get_topic_route", "send_message_v1", "send_message_v2", "pop_message", "ack_message",
		"get_consumer_list", "maintenance_failure",
	}
	gaugeNames = []string{
		"request_active", "send_message_v1_active", "send_message_v2_active", "pop_message_active",
		"get_topic_route_active", "send_message_pending", "pop_message_pending", "get_topic_route_pending", "total_pending",
	}
)

// millisecondBuckets and secondBuckets are the upper bounds of the histograms in /metrics: from a loopback hop to a long
// poll.
var millisecondBuckets = []float64{.1, .25, .5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000}

var secondBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// Registry is the set of all metrics of one proxy. It outlives the stats actor, which alone moves it.
type Registry struct {
	Set      *metrics.Set
	whole    sync.RWMutex // held while sums are applied: a reader sees all of a request's statistics moved, or none
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

// NewRegistry makes the set. Every prefix that is going to be used should be named, so that its statistics stand at
// 0 before anything happens.
func NewRegistry(prefixes ...string) *Registry {
	s := &Registry{Set: metrics.NewSet(), prefixes: map[string]*prefixStats{}}
	s.Expect(prefixes...)
	for _, l := range looks {
		s.Set.NewCounter(malformedName(l))
	}
	return s
}

func (s *Registry) prefix(name string) *prefixStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.prefixes[name]; p != nil {
		return p
	}
	p := &prefixStats{counters: map[string]*metrics.Counter{}, gauges: map[string]*metrics.Gauge{}}
	for _, n := range counterNames {
		p.counters[n] = s.Set.GetOrCreateCounter(exposition.Name("rocketmq_"+n, "stat_prefix", name))
	}
	for _, n := range gaugeNames {
		p.gauges[n] = s.Set.GetOrCreateGauge(exposition.Name("rocketmq_"+n, "stat_prefix", name), nil)
	}
	p.buckets = s.Set.GetOrCreatePrometheusHistogramExt(exposition.Name("rocketmq_request_time_ms", "stat_prefix", name), millisecondBuckets)
	s.prefixes[name] = p
	return p
}

// Expect makes the statistics of more prefixes, so that they stand at 0 before anything happens.
func (s *Registry) Expect(prefixes ...string) {
	for _, p := range prefixes {
		s.prefix(p)
	}
}

// WriteMetrics writes the samples of all metrics as they were at one moment; exposition.Write makes a page of them.
func (s *Registry) WriteMetrics(w io.Writer) {
	var page bytes.Buffer // a slow reader must not hold the lock
	s.whole.RLock()
	s.Set.WritePrometheus(&page)
	s.whole.RUnlock()
	w.Write(page.Bytes())
}

// WriteText prints the 27 statistics of each prefix as Envoy does.
func (s *Registry) WriteText(w io.Writer) {
	s.mu.Lock()
	names := make([]string, 0, len(s.prefixes))
	for n := range s.prefixes {
		names = append(names, n)
	}
	s.mu.Unlock()
	slices.Sort(names)
	var page bytes.Buffer
	s.whole.RLock()
	for _, n := range names {
		s.prefix(n).writeText(&page, "rocketmq."+n+".")
	}
	s.whole.RUnlock()
	w.Write(page.Bytes())
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
func (s *Registry) rotate() {
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

// move applies sums to the 27.
func (p *prefixStats) move(sum *messages.Totals) {
	kinds := &sum.Kinds
	for i := range sum.Codes {
		p.moveCode(&sum.Codes[i])
	}
	p.counters["request"].Add(kinds[messages.RequestMalformed])
	p.counters["request_decoding_error"].Add(kinds[messages.RequestMalformed])
	p.counters["maintenance_failure"].Add(kinds[messages.MaintenanceRejected])
	p.counters["response"].Add(kinds[messages.ResponseRead] + kinds[messages.ResponseMalformed])
	p.counters["response_decoding_success"].Add(kinds[messages.ResponseRead])
	p.counters["response_decoding_error"].Add(kinds[messages.ResponseMalformed])
	p.times(sum.UpstreamTimes)
	p.times(sum.LocalTimes)
}

func (p *prefixStats) moveCode(n *messages.CodeTotals) {
	names := namesOf(n.Code)
	p.counters["request"].Add(n.Read)
	p.counters["request_decoding_success"].Add(n.Read)
	if names.counter != "" {
		p.counters[names.counter].Add(n.Read)
	}
	p.counters["response_success"].Add(n.Ordinary)
	p.counters["response_error"].Add(n.Errors)
	p.gauges["request_active"].Add(float64(n.Active))
	p.gauges["total_pending"].Add(float64(n.Pending))
	if names.active != "" {
		p.gauges[names.active].Add(float64(n.Active))
	}
	if names.pending != "" {
		p.gauges[names.pending].Add(float64(n.Pending))
	}
}

func (p *prefixStats) times(list []messages.Times) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range list {
		update(p.buckets, float64(t.Nanos)/1e6, t.Count)
		p.total.add(t.Nanos/1000, t.Count)
		p.filling.add(t.Nanos/1000, t.Count)
	}
}

// Counter is the value of one of the 27 that is a counter, by its name without "rocketmq_". It panics for other names.
func (s *Registry) Counter(prefix, name string) uint64 {
	return s.prefix(prefix).counters[name].Get()
}

// Active is how many requests are between being read and being answered, of all prefixes.
func (s *Registry) Active() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0.0
	for _, p := range s.prefixes {
		n += p.gauges["request_active"].Get()
	}
	return int(n)
}
