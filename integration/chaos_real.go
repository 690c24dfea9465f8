package integration

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// realArena starts a RocketMQ of two brokers, without proxies.
func realArena(t *testing.T) (*arena, *Cluster) {
	cluster := StartCluster(t, "5.5.0", 2)
	a := &arena{queues: 3, topic: "Chaos", ledger: newLedger(), brokers: cluster.BrokerNames()}
	addresses, err := masters(t.Context(), cluster.NameServer)
	require.NoError(t, err)
	require.NoError(t, createTopic(t.Context(), cluster.NameServer, addresses, a.topic, a.queues))
	for _, name := range a.brokers {
		a.direct = append(a.direct, addresses[name])
		a.behind = append(a.behind, victim{name: name, torments: append(ailments(func() *process { return cluster.brokers[name].process }),
			torment{"kill", func(s *scene) error {
				cluster.KillBroker(name)
				s.last(5 * time.Second)
				return cluster.RestartBroker(name)
			}},
		)})
	}
	a.behind = append(a.behind, victim{name: "namesrv", torments: append(ailments(func() *process { return cluster.nameServer }),
		torment{"kill", func(s *scene) error {
			cluster.nameServer.kill()
			s.last(5 * time.Second)
			return cluster.launchNameServer()
		}},
	)})
	return a, cluster
}
