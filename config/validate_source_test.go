package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSourceOfAClusterIsChecked(t *testing.T) {
	f := func(table string, want ...string) {
		t.Helper()
		_, err := Load(Sources{File: write(t, "[[cluster]]\n"+table+"\n[[listener]]\n")})
		if len(want) == 0 {
			require.NoError(t, err)
			return
		}
		for _, part := range want {
			require.ErrorContains(t, err, part)
		}
	}
	f("[[cluster.broker]]\naddress = '10.0.0.5:10911'")
	f("[[cluster.broker]]\naddress = 'mq:10911'\n[[cluster.broker]]\nid = 1\naddress = 'mq2:10911'\nperm = 4\ntopics = ['a', 'b']")
	f("", "cluster[0].name_servers = []", "[[cluster.broker]]")
	f("name_servers = ['10.0.0.1:9876']\n[[cluster.broker]]\naddress = '10.0.0.5:10911'", "stands beside [[cluster.broker]]")
	f("[[cluster.broker]]\nname = 'x'", `cluster[0].broker[0].address = ""`)
	f("[[cluster.broker]]\naddress = '127.0.0.1:9876'", "the proxy's own listener")
	f("[[cluster.broker]]\naddress = 'a:1'\n[[cluster.broker]]\naddress = 'b:1'", `cluster[0].broker[1].id = 0`, `another process of broker "broker-a"`)
	f("[[cluster.broker]]\naddress = 'a:1'\nperm = 1", "perm = 1", "must be 2, 4 or 6")
	f("[[cluster.broker]]\naddress = 'a:1'\ntopics = []", "no client would be led to the broker")
	f("[[cluster.broker]]\naddress = 'a:1'\nname = ''", "a broker needs a name")
	f("[[cluster.broker]]\naddress = 'a:1'\nread_queues = -1", "read_queues = -1", "must be at least 0")
	f("[[cluster.broker]]\naddress = 'a:1'\nzone = 'x'", "cluster[0].broker[0].zone")
}

// A reload sees the tables as one value of their cluster.
func TestDiffOfStaticBrokers(t *testing.T) {
	old, next := Default(), Default()
	a, b := DefaultCluster(), DefaultCluster()
	broker := DefaultBroker()
	broker.Address = "10.0.0.5:10911"
	a.Brokers, b.Brokers = []Broker{broker}, []Broker{broker, broker}
	b.Brokers[1].ID, b.Brokers[1].Address = 1, "10.0.0.6:10911"
	old.Clusters, next.Clusters = []Cluster{a}, []Cluster{b}
	changes := Diff(old, next)
	require.Len(t, changes, 1)
	require.Equal(t, `cluster "main" broker: [{ address = "10.0.0.5:10911" }] → [{ address = "10.0.0.5:10911" }, { id = 1, address = "10.0.0.6:10911" }]`, changes[0].String())
	changes[0].Revert()
	require.Empty(t, Diff(old, next))
}
