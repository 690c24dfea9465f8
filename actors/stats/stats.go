// Package stats counts. Connections write samples into the [Recorder] of their event loop; the stats [Actor] moves the
// metrics of the [Registry] by their sums, every 50 ms. [Rejections] counts connections that a handshake, a limit or a
// timeout ends, and malformed frames, from anywhere and at once.
//
// A number that moves with requests is a [messages.Sample]: a new one needs a kind there, a case in addSample if it goes
// by request code, a field of portStats, and its HELP and TYPE in exposition/families.go. What is a state rather than a
// sum, as the health of a broker, is read when /metrics is written (server/metrics.go).
package stats

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/exposition"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Actor moves the metrics by what the recorders have added up. The metrics live in the Registry, one level up, and the
// recorders in Env: a crash loses at most the sums that caused it, of one recorder and one interval.
type Actor struct {
	run       *system.Runtime
	recorders map[transport.Executor]*Recorder
	out       *Registry
	ports     map[*messages.Port]*portStats
	cancel    func()
}

// New makes the stats actor, which moves out by what the recorders of all executors have.
func New(r *system.Runtime, recorders map[transport.Executor]*Recorder, out *Registry) *Actor {
	return &Actor{run: r, recorders: recorders, out: out}
}

// portStats are the labeled metrics of one port.
type portStats struct {
	prefix             *prefixStats
	labels             []string
	requests           map[int32]*metrics.Counter
	downstreamReceived *metrics.Counter
	downstreamSent     *metrics.Counter
	upstreamReceived   *metrics.Counter
	upstreamSent       *metrics.Counter
	open               *metrics.Gauge
	accepted           *metrics.Counter
	upstreamsOpened    *metrics.Counter
	upstreamsLost      *metrics.Counter
	upstreamRequests   *metrics.Counter
	replays            *metrics.Counter
	handedOver         *metrics.Counter
	takenOver          *metrics.Counter
	readPauses         *metrics.Counter
	localReplies       map[int32]*metrics.Counter
	latency            *metrics.PrometheusHistogram
	calls              map[messages.Call]*metrics.Counter
}

// statsInterval is how often the histogram of the last interval begins again, Envoy's flush interval.
const statsInterval = 5 * time.Second

// Receive is part of actor.Actor.
func (s *Actor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		s.ports = map[*messages.Port]*portStats{}
		self := system.NewSink(s.run.System, ctx.Self())
		for _, b := range s.recorders {
			b.open(self)
		}
		s.cancel = system.Every(statsInterval, self, &messages.Tick{})
	case *written:
		for _, sum := range m.in.take() {
			s.add(sum)
		}
	case *messages.Tick:
		s.out.rotate()
	case *Forget:
		s.forget(m.Listener)
	case *actor.Stopping:
		s.run.CleanUp(func() { s.cancel(); s.takeAll() })
	case *actor.Restarting:
		s.run.CleanUp(s.cancel)
	}
}

// Forget ends the series of a listener that was removed. It has to come after the last samples of its connections.
type Forget struct{ Listener string }

func (s *Actor) forget(listener string) {
	maps.DeleteFunc(s.ports, func(p *messages.Port, _ *portStats) bool { return p.Listener == listener })
	label := exposition.Labels("listener", listener)
	for _, name := range s.out.Set.ListMetricNames() {
		if strings.Contains(name, "{"+label) || strings.Contains(name, ","+label) {
			s.out.Set.UnregisterMetric(name)
		}
	}
}

// takeAll counts what is left: at the end of the process there is no successor that would.
func (s *Actor) takeAll() {
	for _, b := range s.recorders {
		for _, sum := range b.take() {
			s.add(sum)
		}
	}
}

func (s *Actor) add(sum *messages.Totals) {
	p := s.ports[sum.Port]
	if p == nil {
		p = s.newPortStats(sum.Port)
		s.ports[sum.Port] = p
	}
	s.out.whole.Lock()
	defer s.out.whole.Unlock()
	p.prefix.move(sum)
	p.move(s.out.Set, sum)
}

func (s *Actor) newPortStats(port *messages.Port) *portStats {
	broker := ""
	if port.Broker.Name != "" {
		broker = port.Broker.String()
	}
	labels := []string{"listener", port.Listener, "port", port.Role.String(), "broker", broker}
	counter := func(name string, more ...string) *metrics.Counter {
		return s.out.Set.GetOrCreateCounter(exposition.Name("rocketmq_proxy_"+name, slices.Concat(labels, more)...))
	}
	return &portStats{
		prefix: s.out.prefix(port.StatPrefix), labels: labels,
		requests: map[int32]*metrics.Counter{}, localReplies: map[int32]*metrics.Counter{}, calls: map[messages.Call]*metrics.Counter{},
		downstreamReceived: counter("downstream_bytes_total", "direction", "received"),
		downstreamSent:     counter("downstream_bytes_total", "direction", "sent"),
		upstreamReceived:   counter("upstream_bytes_total", "direction", "received"),
		upstreamSent:       counter("upstream_bytes_total", "direction", "sent"),
		open:               s.out.Set.GetOrCreateGauge(exposition.Name("rocketmq_proxy_downstream_connections", labels...), nil),
		accepted:           counter("downstream_connections_total"),
		upstreamsOpened:    counter("upstream_connections_total"),
		upstreamsLost:      counter("upstream_losses_total"),
		upstreamRequests:   counter("upstream_requests_total"),
		replays:            counter("heartbeats_replayed_total"),
		handedOver:         counter("connections_handed_over_total"),
		takenOver:          counter("connections_taken_over_total"),
		readPauses:         counter("downstream_read_pauses_total"),
		latency:            s.out.Set.GetOrCreatePrometheusHistogramExt(exposition.Name("rocketmq_proxy_upstream_duration_seconds", labels...), secondBuckets),
	}
}

// move applies the sums to the labeled metrics.
func (p *portStats) move(set *metrics.Set, sum *messages.Totals) {
	for i := range sum.Codes {
		p.requestCounter(set, sum.Codes[i].Code).Add(sum.Codes[i].Read)
	}
	for code, n := range sum.LocalReplies {
		p.replyCounter(set, code).Add(n)
	}
	for _, t := range sum.UpstreamTimes {
		update(p.latency, float64(t.Nanos)/1e9, t.Count)
	}
	p.upstreamsOpened.Add(sum.Kinds[messages.UpstreamOpened])
	p.upstreamsLost.Add(sum.Kinds[messages.UpstreamLost])
	p.upstreamRequests.Add(sum.Kinds[messages.UpstreamRequestRead])
	p.replays.Add(sum.Kinds[messages.HeartbeatReplayed])
	p.handedOver.Add(sum.Kinds[messages.ConnectionMovedAway])
	p.takenOver.Add(sum.Kinds[messages.ConnectionMovedHere])
	p.readPauses.Add(sum.Kinds[messages.ReadPaused])
	p.downstreamReceived.AddInt64(sum.DownstreamReceived)
	p.downstreamSent.AddInt64(sum.DownstreamSent)
	p.upstreamReceived.AddInt64(sum.UpstreamReceived)
	p.upstreamSent.AddInt64(sum.UpstreamSent)
	p.accepted.Add(sum.Opened)
	p.open.Add(float64(sum.Opened - sum.Closed))
	for call, n := range sum.Calls {
		p.callCounter(set, sum.Port.Listener, call).Add(n)
	}
	if sum.Sessions != 0 {
		set.GetOrCreateGauge(exposition.Name("rocketmq_proxy_grpc_sessions", "listener", sum.Port.Listener), nil).Add(float64(sum.Sessions))
	}
}

// update enters a value several times.
func update(h *metrics.PrometheusHistogram, value float64, times int) {
	for range times {
		h.Update(value)
	}
}

// other is the code in a label for all codes without a name, so that clients cannot create series.
const other = "other"

// requestCounter counts the requests of a code.
func (p *portStats) requestCounter(set *metrics.Set, code int32) *metrics.Counter {
	if c := p.requests[code]; c != nil {
		return c
	}
	number, name := strconv.Itoa(int(code)), codec.RequestCodeName(code)
	if name == number {
		return p.codeCounter(set, "requests_total", "request_code", other, "name", "OTHER")
	}
	p.requests[code] = p.codeCounter(set, "requests_total", "request_code", number, "name", name)
	return p.requests[code]
}

// replyCounter counts the answers of a response code that the proxy made.
func (p *portStats) replyCounter(set *metrics.Set, code int32) *metrics.Counter {
	if c := p.localReplies[code]; c != nil {
		return c
	}
	number := strconv.Itoa(int(code))
	if codec.ResponseCodeName(code) == number {
		return p.codeCounter(set, "local_replies_total", "response_code", other)
	}
	p.localReplies[code] = p.codeCounter(set, "local_replies_total", "response_code", number)
	return p.localReplies[code]
}

// callCounter counts the calls of gRPC that ended in one way.
func (p *portStats) callCounter(set *metrics.Set, listener string, call messages.Call) *metrics.Counter {
	if p.calls[call] == nil {
		p.calls[call] = set.GetOrCreateCounter(exposition.Name("rocketmq_proxy_grpc_calls_total",
			"listener", listener, "method", call.Method, "code", call.Code))
	}
	return p.calls[call]
}

func (p *portStats) codeCounter(set *metrics.Set, name string, labels ...string) *metrics.Counter {
	return set.GetOrCreateCounter(exposition.Name("rocketmq_proxy_"+name, slices.Concat(p.labels, labels)...))
}
