package proxytest

import (
	"bytes"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
)

// Metrics reads all metrics by name and labels.
func (p *Proxy) Metrics() map[string]float64 {
	var text bytes.Buffer
	p.Tree.Stats.WriteMetrics(&text)
	all := map[string]float64{}
	for line := range strings.Lines(text.String()) {
		if i := strings.LastIndexByte(line, ' '); i > 0 {
			all[line[:i]], _ = strconv.ParseFloat(strings.TrimSpace(line[i:]), 64)
		}
	}
	return all
}

// Metric reads one metric by its name and labels, which must be there.
func (p *Proxy) Metric(name string) int {
	p.T.Helper()
	all := p.Metrics()
	require.Contains(p.T, all, name)
	return int(all[name])
}

// BrokerMetric reads a labeled metric of broker-a's port, or of the name-server port when port says so, of the first
// listener; 0 also where there is none. more are further labels, each with a comma before it.
func (p *Proxy) BrokerMetric(name, port, more string) int {
	broker := ""
	if port != "name-server" {
		broker = BrokerA.String()
	}
	return int(p.Metrics()[fmt.Sprintf("rocketmq_proxy_%s{listener=%q,port=%q,broker=%q%s}", name, p.Listener().Name, port, broker, more)])
}

// Rejections reads how many connections and requests a listener has rejected for a reason.
func (p *Proxy) Rejections(listener, reason string) int {
	p.T.Helper()
	return p.Metric(fmt.Sprintf("rocketmq_proxy_refused_total{listener=%q,reason=%q}", listener, reason))
}

// Stat reads one of the 27 statistics.
func (p *Proxy) Stat(name string) int {
	return int(p.Metrics()["rocketmq_"+name+`{stat_prefix="main"}`])
}

// Stats are those of the 27 that are not 0; request_time_ms is how many times it was updated.
func (p *Proxy) Stats() map[string]int {
	all := map[string]int{}
	for name, v := range p.Metrics() {
		short, isStat := strings.CutSuffix(strings.TrimPrefix(name, "rocketmq_"), `{stat_prefix="main"}`)
		if isStat && v != 0 && !strings.HasSuffix(short, "_sum") {
			all[strings.TrimSuffix(short, "_count")] = int(v)
		}
	}
	return all
}

// StatsBecome waits until exactly these of the 27 are not 0.
func (p *Proxy) StatsBecome(want map[string]int, when string) {
	p.T.Helper()
	deadline := time.Now().Add(Patience)
	for !maps.Equal(want, p.Stats()) && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	require.Equal(p.T, want, p.Stats(), when)
}

// Settle waits until all of n client connections have ended and been counted. A connection's last report is that of its
// end, so after it all numbers of these connections are final.
func (p *Proxy) Settle(n int) {
	p.T.Helper()
	p.Until(fmt.Sprintf("%d connections have ended and been counted", n), func() bool {
		accepted, open := 0, 0
		for name, v := range p.Metrics() {
			if strings.HasPrefix(name, "rocketmq_proxy_downstream_connections_total{") {
				accepted += int(v)
			} else if strings.HasPrefix(name, "rocketmq_proxy_downstream_connections{") {
				open += int(v)
			}
		}
		return accepted == n && open == 0
	})
}

// GaugesAreZero insists that nothing is active or pending.
func (p *Proxy) GaugesAreZero() {
	p.T.Helper()
	for _, name := range []string{
		"request_active", "send_message_v1_active", "send_message_v2_active", "pop_message_active",
		"get_topic_route_active", "send_message_pending", "pop_message_pending", "get_topic_route_pending", "total_pending",
	} {
		require.Zero(p.T, p.Stat(name), name)
	}
}
