package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
)

// sourceOf checks what a cluster's brokers are known from: its name servers, or tables.
func (c *checker) sourceOf(at string, cl *Cluster, ours map[netip.AddrPort][]int) {
	servers, brokers := join(at, "name_servers"), join(at, "broker")
	switch {
	case len(cl.NameServers) > 0 && len(cl.Brokers) > 0:
		c.add(servers, written(reflect.ValueOf(cl.NameServers)), "stands beside [[cluster.broker]]: the brokers of a cluster are either asked for or written down",
			"remove one of them", brokers)
	case len(cl.NameServers)+len(cl.Brokers) == 0:
		c.add(servers, "[]", "a cluster needs at least one name server", `list them as ["host:9876", "other:9876"], or add a [[cluster.broker]]`)
	}
	for i, server := range cl.NameServers {
		c.dialed(index(servers, i), server, "the name server", ours)
	}
	ids := map[string]string{}
	for i := range cl.Brokers {
		b, at := &cl.Brokers[i], index(brokers, i)
		c.broker(at, b, ours)
		process := b.Name + "/" + strconv.Itoa(b.ID)
		if by, has := ids[process]; has {
			c.add(join(at, "id"), strconv.Itoa(b.ID), fmt.Sprintf("is the id of another process of broker %q", b.Name),
				"give each process its own id, 0 for the master", by)
			continue
		}
		ids[process] = join(at, "id")
	}
}

// dialed checks an address that the proxy connects to: it must not be its own.
func (c *checker) dialed(key, address, what string, ours map[netip.AddrPort][]int) {
	if !c.complete(key, address) {
		return
	}
	for _, j := range loops(address, ours) {
		c.add(key, quote(address), fmt.Sprintf("is the address of the proxy's own listener %q", c.cfg.Listeners[j].Name),
			"write the address of "+what+", or give the listener another port", join(index("listener", j), "address"))
	}
}

func (c *checker) broker(at string, b *Broker, ours map[netip.AddrPort][]int) {
	if b.Name == "" {
		c.add(join(at, "name"), quote(""), "a broker needs a name", "write its brokerName")
	}
	c.dialed(join(at, "address"), b.Address, "the broker", ours)
	c.atLeast0(join(at, "id"), b.ID)
	c.atLeast0(join(at, "read_queues"), b.ReadQueues)
	c.atLeast0(join(at, "write_queues"), b.WriteQueues)
	if b.Perm < 0 || b.Perm > 7 || b.Perm&6 == 0 {
		c.add(join(at, "perm"), strconv.Itoa(b.Perm), "must be 2, 4 or 6", "write 2 for sending only, 4 for consuming only, 6 for both")
	}
	if len(b.Topics) == 0 {
		c.add(join(at, "topics"), "[]", "no client would be led to the broker", `list its topics, or write ["*"] for every topic that is asked for`)
	}
}

func (c *checker) atLeast0(key string, n int) {
	if n < 0 {
		c.add(key, strconv.Itoa(n), "must be at least 0", "write such a number")
	}
}
