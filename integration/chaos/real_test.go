package chaos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// realEnvironment starts a RocketMQ of two brokers, without proxies.
func realEnvironment(t *testing.T) (*environment, *harness.Cluster) {
	cluster := harness.StartCluster(t, "5.5.0", 2)
	e := &environment{queues: 3, topic: "Chaos", ledger: newLedger(), brokers: cluster.BrokerNames()}
	addresses, err := harness.Masters(t.Context(), cluster.NameServer)
	require.NoError(t, err)
	require.NoError(t, harness.CreateTopic(t.Context(), cluster.NameServer, addresses, e.topic, e.queues))
	for _, name := range e.brokers {
		e.direct = append(e.direct, addresses[name])
		e.servers = append(e.servers, target{name: name, faults: append(processFaults(func() *harness.Process { return cluster.Broker(name) }),
			fault{"kill", func(in *injection) error {
				cluster.KillBroker(name)
				in.waitUpTo(5 * time.Second)
				return cluster.RestartBroker(name)
			}},
		)})
	}
	e.servers = append(e.servers, target{name: "namesrv", faults: append(processFaults(func() *harness.Process { return cluster.NameServerProcess() }),
		fault{"kill", func(in *injection) error {
			cluster.KillNameServer()
			in.waitUpTo(5 * time.Second)
			return cluster.RestartNameServer()
		}},
	)})
	return e, cluster
}
