package chaos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// realArena starts a RocketMQ of two brokers, without proxies.
func realArena(t *testing.T) (*arena, *harness.Cluster) {
	cluster := harness.StartCluster(t, "5.5.0", 2)
	a := &arena{queues: 3, topic: "Chaos", ledger: newLedger(), brokers: cluster.BrokerNames()}
	addresses, err := harness.Masters(t.Context(), cluster.NameServer)
	require.NoError(t, err)
	require.NoError(t, harness.CreateTopic(t.Context(), cluster.NameServer, addresses, a.topic, a.queues))
	for _, name := range a.brokers {
		a.direct = append(a.direct, addresses[name])
		a.behind = append(a.behind, target{name: name, faults: append(processFaults(func() *harness.Process { return cluster.Broker(name) }),
			fault{"kill", func(in *injection) error {
				cluster.KillBroker(name)
				in.waitUpTo(5 * time.Second)
				return cluster.RestartBroker(name)
			}},
		)})
	}
	a.behind = append(a.behind, target{name: "namesrv", faults: append(processFaults(func() *harness.Process { return cluster.NameServerProcess() }),
		fault{"kill", func(in *injection) error {
			cluster.KillNameServer()
			in.waitUpTo(5 * time.Second)
			return cluster.RestartNameServer()
		}},
	)})
	return a, cluster
}
