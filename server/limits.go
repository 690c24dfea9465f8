package server

import (
	"io"

	"github.com/VictoriaMetrics/metrics"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/exposition"
	"github.com/rocketmq-proxy/rocketmq-proxy/limit"
)

// limitSet makes the limits of a configuration. Those of before that have not changed keep what they have counted.
func (s *Server) limitSet(cfg *config.Config, before *limit.Set) (*limit.Set, error) {
	rules := make([]limit.Rule, 0, len(cfg.RequestLimits))
	for i := range cfg.RequestLimits {
		r, err := limitRule(&cfg.RequestLimits[i])
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	return limit.New(rules, before, s.sockets)
}

// limitRule is a [[limit]] table.
func limitRule(l *config.Limit) (r limit.Rule, err error) {
	r = limit.Rule{
		Name: l.Name, Listener: l.Listener, Topic: l.Topic.Spec(), Group: l.Group.Spec(), Client: l.Client.Spec(), Per: limit.Per(l.Per),
		Requests: float64(l.RequestsPerSecond), Bytes: float64(l.BytesPerSecond), Burst: float64(l.Burst), InFlight: l.InFlight,
	}
	if l.Everywhere() {
		return r, nil
	}
	r.Addresses, err = networks("limit.address", l.Addresses)
	return r, err
}

// writeLimits writes what each limit has done. Limits come and go, so their metrics are not registered but read off.
func (s *Server) writeLimits(w io.Writer) {
	for _, l := range s.proxy.Settings().Limits.All() {
		for action, n := range map[string]uint64{"refused": l.Count.Refused.Load(), "held": l.Count.Held.Load(), "delayed": l.Count.Delayed.Load()} {
			metrics.WriteCounterUint64(w, exposition.Name("rocketmq_proxy_limited_total", "limit", l.Name, "action", action), n)
		}
	}
}
