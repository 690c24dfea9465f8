package actors_test

import (
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// reports collects what all connections say of themselves.
func (r *rig) reports(n int) (all []*messages.ClientReport) {
	r.t.Helper()
	got := make(chan any, 1000)
	to := r.env.System.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case *messages.Counted, *messages.ClientReport:
			got <- ctx.Message()
		}
	}))
	defer r.env.System.Root.Stop(to)
	r.env.System.Root.Send(r.top, &messages.Report{To: to})
	for range n + 2 { // the top says how many supervisors count, the listener counts
		select {
		case m := <-got:
			if c, ok := m.(*messages.Counted); ok {
				require.Contains(r.t, []messages.Counted{{Supervisors: 1}, {N: n}}, *c)
			} else {
				all = append(all, m.(*messages.ClientReport))
			}
		case <-time.After(patience):
			require.Fail(r.t, "a report is missing")
		}
	}
	return all
}

func TestConnectionsReport(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client, broker := r.pinned()
		beat(client, broker, fullBeat)
		client.send(&codec.Command{Code: codec.ReqPullMessage, Language: codec.Java, Version: codec.Version5_5_0})
		broker.next()
		report := r.reports(1)[0]
		require.GreaterOrEqual(t, report.Age, report.Idle)
		report.Age, report.Idle = 0, 0
		up := report.Upstream
		report.Upstream = nil
		require.Equal(t, &messages.ClientReport{Listener: "office", Role: "broker", Broker: "broker-a/0", Remote: client.local(),
			Local: r.port(brokerA), ClientID: "10.0.0.1@app", Language: "JAVA", Version: codec.Version5_5_0, InFlight: 1}, report)
		require.Equal(t, &messages.UpstreamReport{Listener: "office", Broker: "broker-a/0", Address: r.broker.addr, State: "open",
			Client: client.local(), ClientID: "10.0.0.1@app", Epoch: 1, InFlight: 1}, up)
	})
}
