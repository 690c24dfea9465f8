package server

import (
	"fmt"
	"io"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// describe registers the metrics that are read off when they are asked for.
func (s *Server) describe() {
	set := s.tree.Statistics.Set
	s.env.Failures.OnFailure = func(kind string) {
		set.GetOrCreateCounter(fmt.Sprintf("rocketmq_proxy_actor_restarts{actor=%q}", kind)).Inc()
	}
	for _, kind := range actors.Kinds() {
		set.GetOrCreateCounter(fmt.Sprintf("rocketmq_proxy_actor_restarts{actor=%q}", kind))
	}
	set.NewGauge("rocketmq_proxy_ready", func() float64 {
		if s.Ready() {
			return 1
		}
		return 0
	})
	s.certificates.describe(set)
	for i := range s.tree.Listeners {
		for _, reason := range transport.RefusalReasons {
			set.GetOrCreateCounter(refusedMetric(s.tree.Listeners[i].Name, reason))
		}
	}
	for _, d := range s.tree.Directories {
		set.NewGauge(fmt.Sprintf("rocketmq_proxy_directory_age_seconds{cluster=%q}", d.Cluster), func() float64 {
			if at := d.View.Answered(); !at.IsZero() {
				return time.Since(at).Seconds()
			}
			return time.Since(s.started).Seconds()
		})
		set.NewGauge(fmt.Sprintf("rocketmq_proxy_brokers{cluster=%q}", d.Cluster), func() float64 { return float64(len(d.View.Brokers())) })
	}
}

// writeMetrics writes everything in Prometheus text.
func (s *Server) writeMetrics(w io.Writer) {
	s.tree.Statistics.Set.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
}
