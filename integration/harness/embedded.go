package harness

import (
	"fmt"
	"sync"
	"testing"

	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// embeddedCluster starts an embedded RocketMQ in this process for the first that asks: two brokers, each with a VIP
// port, as `dev` has neither. It lives as long as the test process, and shows what is the embedded servers' own fault.
var embeddedCluster = sync.OnceValues(func() (*embedded.Cluster, error) {
	c, err := embedded.Start(embedded.Options{
		Brokers:    []embedded.BrokerOptions{{Name: "broker-a"}, {Name: "broker-b"}},
		VIPChannel: true,
	})
	if err != nil {
		return nil, err
	}
	atEnd(func() error { c.Close(); return nil })
	servers := make(map[int]string)
	for _, address := range c.NameServers() {
		port, err := portOf(address)
		if err != nil {
			return nil, err
		}
		servers[port] = "embedded name server"
	}
	for _, b := range c.Brokers() {
		port, err := portOf(b.Addr())
		if err != nil {
			return nil, err
		}
		servers[port], servers[port-2] = "embedded "+b.Name(), "embedded "+b.Name()+" (VIP)"
	}
	bypasses.guard(servers)
	return c, nil
})

// embeddedNameServer is the address of the embedded cluster's name server.
func embeddedNameServer() (string, error) {
	c, err := embeddedCluster()
	if err != nil {
		return "", err
	}
	return c.NameServers()[0], nil
}

// OwnEmbedded starts an embedded RocketMQ for one test. Clients of a proxy must not be seen to connect to its servers.
func OwnEmbedded(t *testing.T, o embedded.Options) *embedded.Cluster {
	t.Helper()
	c, err := embedded.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	for _, address := range c.NameServers() {
		GuardServer(t, "embedded name server", address)
	}
	for _, b := range c.Brokers() {
		GuardServer(t, "embedded "+b.Name(), b.Addr())
		if port, err := portOf(b.Addr()); err == nil && o.VIPChannel {
			GuardServer(t, "embedded "+b.Name()+" (VIP)", fmt.Sprintf("127.0.0.1:%d", port-2))
		}
	}
	return c
}
