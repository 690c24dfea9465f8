package actors

import (
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// stats adds up what connections report. The counters themselves live in Statistics, one level up: a crash loses at
// most the delta that caused it.
type stats struct {
	env    *Env
	out    *Statistics
	ports  map[*messages.Port]*portStats
	cancel func()
}

// portStats are the labelled metrics of one port.
type portStats struct {
	prefix     *prefixStats
	labels     string
	requests   map[int32]*metrics.Counter
	fromDown   *metrics.Counter
	toDown     *metrics.Counter
	fromUp     *metrics.Counter
	toUp       *metrics.Counter
	open       *metrics.Gauge
	accepted   *metrics.Counter
	upOpened   *metrics.Counter
	upLost     *metrics.Counter
	pushes     *metrics.Counter
	onewayLost *metrics.Counter
	own        map[int32]*metrics.Counter
	latency    *metrics.PrometheusHistogram
}

// statsInterval is how often the histogram of the last interval begins anew, Envoy's flush interval.
const statsInterval = 5 * time.Second

// Receive is part of actor.Actor.
func (s *stats) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		s.ports = map[*messages.Port]*portStats{}
		s.cancel = every(statsInterval, newSink(s.env.System, ctx.Self()), &messages.Tick{})
	case *messages.Delta:
		s.add(m)
	case *messages.Tick:
		s.out.rotate()
	case *messages.Fault:
		panic(m.Reason)
	case *actor.Stopping, *actor.Restarting:
		s.env.cleanUp(s.cancel)
	}
}

func (s *stats) add(d *messages.Delta) {
	p := s.ports[d.Port]
	if p == nil {
		p = s.newPortStats(d.Port)
		s.ports[d.Port] = p
	}
	for i := range d.Samples {
		m := &d.Samples[i]
		p.prefix.move(m)
		p.move(s.out.Set, m)
	}
	p.fromDown.AddInt64(d.FromDown)
	p.toDown.AddInt64(d.ToDown)
	p.fromUp.AddInt64(d.FromUp)
	p.toUp.AddInt64(d.ToUp)
	p.accepted.Add(d.Opened)
	if n := d.Opened - d.Closed; n != 0 {
		p.open.Add(float64(n))
	}
	*d = messages.Delta{Samples: d.Samples[:0]}
	deltas.Put(d)
}

func (s *stats) newPortStats(port *messages.Port) *portStats {
	broker := ""
	if port.Role != messages.NameServerPort {
		broker = port.Broker.String()
	}
	labels := fmt.Sprintf("listener=%q,port=%q,broker=%q", port.Listener, port.Role, broker)
	counter := func(name, more string) *metrics.Counter {
		return s.out.Set.GetOrCreateCounter("rocketmq_proxy_" + name + "{" + labels + more + "}")
	}
	return &portStats{
		prefix: s.out.prefix(port.StatPrefix), labels: labels,
		requests: map[int32]*metrics.Counter{}, own: map[int32]*metrics.Counter{},
		fromDown:   counter("downstream_bytes_total", `,direction="received"`),
		toDown:     counter("downstream_bytes_total", `,direction="sent"`),
		fromUp:     counter("upstream_bytes_total", `,direction="received"`),
		toUp:       counter("upstream_bytes_total", `,direction="sent"`),
		open:       s.out.Set.GetOrCreateGauge("rocketmq_proxy_downstream_connections{"+labels+"}", nil),
		accepted:   counter("downstream_connections_total", ""),
		upOpened:   counter("upstream_connections_total", ""),
		upLost:     counter("upstream_losses_total", ""),
		pushes:     counter("pushes_total", ""),
		onewayLost: counter("oneway_lost_total", ""),
		latency:    s.out.Set.GetOrCreatePrometheusHistogramExt("rocketmq_proxy_upstream_time_ms{"+labels+"}", millisecondBuckets),
	}
}

// move applies one sample to the labelled metrics.
func (p *portStats) move(set *metrics.Set, m *messages.Sample) {
	switch m.Kind {
	case messages.RequestRead, messages.OnewayRead:
		p.codeCounter(set, p.requests, "requests_total", "code", m.Code, codec.RequestCodeName).Inc()
	case messages.RequestAnswered:
		if m.Own {
			p.codeCounter(set, p.own, "own_answers_total", "response", m.Response, codec.ResponseCodeName).Inc()
		} else {
			p.latency.Update(float64(m.Nanos) / 1e6)
		}
	case messages.UpstreamOpened:
		p.upOpened.Inc()
	case messages.UpstreamLost:
		p.upLost.Inc()
	case messages.PushRead:
		p.pushes.Inc()
	case messages.OnewayLost:
		p.onewayLost.Inc()
	}
}

// codeCounter finds the counter of a code. Codes without a name share one, so that no client can invent metrics.
func (p *portStats) codeCounter(set *metrics.Set, known map[int32]*metrics.Counter, metric, label string, code int32, name func(int32) string) *metrics.Counter {
	if c := known[code]; c != nil {
		return c
	}
	n := name(code)
	number := fmt.Sprint(code)
	if n == number {
		n, number = "OTHER", "other"
	}
	c := set.GetOrCreateCounter(fmt.Sprintf("rocketmq_proxy_%s{%s,%s=%q,name=%q}", metric, p.labels, label, number, n))
	if number != "other" {
		known[code] = c
	}
	return c
}
