package server

import (
	"runtime"

	"github.com/VictoriaMetrics/metrics"

	"github.com/rocketmq-proxy/rocketmq-proxy/exposition"
)

// BuildInfo describes the program's own build, for rocketmq_proxy_build_info.
type BuildInfo struct {
	Version  string // of the release
	Revision string // commit; "" if the build did not record it
}

// WithBuild has a server report the build that it is part of.
func WithBuild(b BuildInfo) Option { return func(s *Server) { s.buildInfo = b } }

func (b BuildInfo) describe(set *metrics.Set) {
	name := exposition.Name("rocketmq_proxy_build_info", "version", b.Version, "revision", b.Revision, "go_version", runtime.Version())
	set.NewGauge(name, func() float64 { return 1 })
}
