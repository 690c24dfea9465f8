package server

import (
	"bytes"
	"io"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/exposition"
)

// describe registers the metrics that are read off when they are asked for.
func (s *Server) describe(tree *actors.Tree) {
	set := tree.Stats.Set
	s.proxy.OnFailure(func(kind string) {
		set.GetOrCreateCounter(exposition.Name("rocketmq_proxy_actor_restarts_total", "actor", kind)).Inc()
	})
	s.buildInfo.describe(set)
	for _, kind := range actors.Kinds() {
		set.GetOrCreateCounter(exposition.Name("rocketmq_proxy_actor_restarts_total", "actor", kind))
	}
	set.NewGauge("rocketmq_proxy_ready", func() float64 { return number(s.Ready()) })
	s.certificates.set = set
	s.certificates.commit(s.config())
	set.NewGauge("rocketmq_proxy_draining", func() float64 { return number(s.isDraining()) })
	set.NewGauge("rocketmq_proxy_buffered_bytes", func() float64 { bytes, _ := s.sockets.Buffered(); return float64(bytes) })
	set.NewGauge("rocketmq_proxy_buffer_limit_bytes", func() float64 { return float64(bufferTotal(s.config().Limits)) })
	set.NewGauge("rocketmq_proxy_io_uring_enabled", s.ioUringEnabled)
	for _, d := range tree.Clusters {
		describeCluster(set, d)
	}
	s.reloads.describe(set, s.started)
}

// clusterGauges are the metrics of one cluster.
var clusterGauges = map[string]func(d *actors.Cluster, since time.Time) float64{
	"rocketmq_proxy_cluster_age_seconds": func(d *actors.Cluster, since time.Time) float64 {
		if at := d.Snapshot().Answered(); !at.IsZero() {
			since = at
		}
		return time.Since(since).Seconds()
	},
	"rocketmq_proxy_brokers": func(d *actors.Cluster, _ time.Time) float64 { return float64(len(d.Snapshot().Brokers())) },
}

func describeCluster(set *metrics.Set, d *actors.Cluster) {
	since := time.Now()
	for name, value := range clusterGauges {
		set.NewGauge(exposition.Name(name, "cluster", d.Name), func() float64 { return value(d, since) })
	}
}

func forgetCluster(set *metrics.Set, d *actors.Cluster) {
	for name := range clusterGauges {
		set.UnregisterMetric(exposition.Name(name, "cluster", d.Name))
	}
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// writeMetrics writes everything as a page of Prometheus text.
func (s *Server) writeMetrics(to io.Writer) {
	w := &bytes.Buffer{}
	s.statistics().WriteMetrics(w)
	_, pauses := s.sockets.Buffered()
	metrics.WriteCounterUint64(w, "rocketmq_proxy_buffer_read_pauses_total", pauses)
	s.writeOutages(w)
	s.writeLimits(w)
	metrics.WriteProcessMetrics(w)
	metrics.WriteFDMetrics(w) // not part of the above: with 20,000 connections it takes some milliseconds
	exposition.Write(to, w.Bytes())
}

// writeOutages writes what is known of each name server and of each broker. They come and go, so their metrics are not
// registered but read off.
func (s *Server) writeOutages(w io.Writer) {
	tree := s.proxy.Tree()
	for _, d := range tree.Clusters {
		for _, ns := range d.Servers() {
			labels := []string{"cluster", d.Name, "name_server", ns.Address}
			metrics.WriteGaugeFloat64(w, exposition.Name("rocketmq_proxy_name_server_up", labels...), number(ns.Up.Load()))
			metrics.WriteCounterUint64(w, exposition.Name("rocketmq_proxy_name_server_queries_total", labels...), ns.Queries.Load())
			metrics.WriteCounterUint64(w, exposition.Name("rocketmq_proxy_name_server_failures_total", labels...), ns.Failures.Load())
		}
	}
	for _, l := range tree.Listeners {
		metrics.WriteGaugeUint64(w, exposition.Name("rocketmq_proxy_brokers_left_out", "listener", l.Name), uint64(l.LeftOut()))
	}
	for _, d := range tree.Clusters {
		for _, b := range d.Snapshot().Brokers() {
			labels := []string{"cluster", d.Name, "broker", b.ID.String()}
			metrics.WriteGaugeFloat64(w, exposition.Name("rocketmq_proxy_broker_up", labels...), number(b.Reachable()))
			metrics.WriteCounterUint64(w, exposition.Name("rocketmq_proxy_broker_dials_total", labels...), b.Dials.Load())
			metrics.WriteCounterUint64(w, exposition.Name("rocketmq_proxy_broker_dial_failures_total", labels...), b.Failures.Load())
		}
	}
}
