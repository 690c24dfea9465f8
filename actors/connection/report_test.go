package connection_test

import (
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// reports collects what all connections say of themselves.
func reports(r *proxytest.Real, n int) (all []*messages.ClientReport) {
	r.T.Helper()
	got := make(chan any, 1000)
	to := r.Env.System.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case *messages.Counted, *messages.ClientReport:
			got <- ctx.Message()
		}
	}))
	defer r.Env.System.Root.Stop(to)
	r.Env.System.Root.Send(r.Top, &messages.Report{To: to})
	for range n + 2 { // the top says how many supervisors count, the listener counts
		select {
		case m := <-got:
			if c, ok := m.(*messages.Counted); ok {
				require.Contains(r.T, []messages.Counted{{Supervisors: 1}, {N: n}}, *c)
			} else {
				all = append(all, m.(*messages.ClientReport))
			}
		case <-time.After(proxytest.Patience):
			require.Fail(r.T, "a report is missing")
		}
	}
	return all
}

func TestConnectionsReport(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client, broker := r.Pinned()
		client.Heartbeat(broker, proxytest.FullHeartbeat)
		client.Send(&codec.Command{Code: codec.ReqPullMessage, Language: codec.Java, Version: codec.Version5_5_0})
		broker.Next()
		report := reports(r, 1)[0]
		require.GreaterOrEqual(t, report.Age, report.Idle)
		report.Age, report.Idle = 0, 0
		up := report.Upstreams
		report.Upstreams = nil
		require.Equal(t, &messages.ClientReport{
			Listener: "office", Role: "broker", Broker: "broker-a/0", Remote: client.Local(),
			Local: r.Port(proxytest.BrokerA), ClientID: "10.0.0.1@app", Language: "JAVA", Version: codec.Version5_5_0, InFlight: 1,
		}, report)
		require.Equal(t, []*messages.UpstreamReport{{
			Listener: "office", Broker: "broker-a/0", Address: r.Broker.Address, State: "open",
			Client: client.Local(), ClientID: "10.0.0.1@app", Epoch: 1, InFlight: 1,
		}}, up)
	})
}
