package server

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// A limit comes, is raised and goes by reloads while a client stays connected; what it did is counted under its name.
func TestLimitsOnRequests(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	rest := clusterTable("main", cl.NameServers()...) + listenerTable("office", "127.0.0.1:0", "")
	f := serveFile(t, rest)
	c := f.toBroker("office", "broker-a")
	refusals := func(n int) (refused int) {
		for range n {
			switch answer := c.Call(sendRequest("x")); answer.Code {
			case codec.ResSuccess:
			case codec.ResFlowControl:
				require.Contains(t, answer.Remark, `limit "slow"`)
				refused++
			default:
				t.Fatalf("%d %s", answer.Code, answer.Remark)
			}
		}
		return refused
	}
	const counter = `rocketmq_proxy_limited_total{limit="slow",action="refused"}`
	require.Zero(t, refusals(5))
	require.NotContains(t, f.page("/metrics"), "rocketmq_proxy_limited_total")

	slow := "[[limit]]\nname = 'slow'\nin_flight = 100\nrequests_per_second = 1\nburst = "
	require.Contains(t, f.change(rest+slow+"2\n").AtOnce, `limit "slow" added`)
	begun := time.Now()
	first := refusals(10)
	require.GreaterOrEqual(t, first, 8-int(time.Since(begun)/time.Second)-1)
	require.Equal(t, float64(first), metricOf(f.page("/metrics"), counter))

	require.Contains(t, f.change(rest+slow+"1000000\n").AtOnce, `limit "slow" burst: 2 → 1000000`)
	require.Zero(t, refusals(50))
	require.Equal(t, float64(first), metricOf(f.page("/metrics"), counter), "it goes on where it was")

	require.Contains(t, f.change(rest).AtOnce, `limit "slow" removed`)
	require.NotContains(t, f.page("/metrics"), "rocketmq_proxy_limited_total")
}
