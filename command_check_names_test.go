package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// Clients know brokers by their names, and only name servers know which brokers there are.
func TestCheckDialComparesTheNamesOfBrokers(t *testing.T) {
	start := func(brokers ...string) *embedded.Cluster {
		o := embedded.Options{}
		for _, name := range brokers {
			o.Brokers = append(o.Brokers, embedded.BrokerOptions{Name: name})
		}
		cl, err := embedded.Start(o)
		require.NoError(t, err)
		t.Cleanup(cl.Close)
		return cl
	}
	a, b := start("broker-a", "broker-b"), start("broker-b", "broker-c")
	text := "[limits]\nconnections_per_listener = 0\n[admin]\naddress = '127.0.0.1:0'\n" +
		"[[cluster]]\nname = 'a'\nname_servers = ['" + a.NameServers()[0] + "']\n[[cluster]]\nname = 'b'\nname_servers = ['" + b.NameServers()[0] + "']\n" +
		"[[listener]]\naddress = '127.0.0.1:0'\nbroker_ports = 0\ncluster = 'b'\n"
	code, stdout, stderr := call(nil, "check", "--dial", "--config", writeConfig(t, text))
	require.Equal(t, 0, code, stdout+stderr)
	code, stdout, stderr = call(nil, "check", "--dial", "--config", writeConfig(t, text+"[[route]]\ntopic = { exact = 'orders' }\ncluster = 'a'\n"))
	require.Equal(t, 2, code)
	require.Contains(t, stdout, `cannot offer broker "broker-b" of cluster "b" behind listener "main": cluster "a" has a broker of that name, too`)
	require.Equal(t, 1, strings.Count(stdout, "cannot offer"))
	require.Equal(t, "problems found: 1\n", stderr)
}
