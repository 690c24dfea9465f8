package config

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

func (c *checker) listeners() {
	if len(c.cfg.Listeners) == 0 {
		c.add("listener", "", "there is none",
			"add a [[listener]] to the file; without keys it listens on "+DefaultListener().Address)
	}
	for i := range c.cfg.Listeners {
		l, at := &c.cfg.Listeners[i], index("listener", i)
		c.name(join(at, "name"), l.Name)
		for j := range i {
			if c.cfg.Listeners[j].Name == l.Name {
				c.taken(join(at, "name"), l.Name, join(index("listener", j), "name"))
			}
		}
		c.hostPort(join(at, "address"), l.Address)
		c.listenersCluster(join(at, "cluster"), l)
		c.advertise(join(at, "advertise"), l.Advertise)
		c.brokers(join(at, "brokers"), l.Brokers)
		c.advertisePorts(at, l)
		if l.StatPrefix != c.cfg.StatPrefix { // else the top level has been told already
			c.name(join(at, "stat_prefix"), l.StatPrefix)
		}
		c.proxyFrom(join(at, "proxy_protocol_from"), l.ProxyProtocolFrom)
		c.listenerTLS(join(at, "tls"), &l.TLS)
		c.fixedPorts(at, l)
	}
}

func (c *checker) listenersCluster(key string, l *Listener) {
	names := make([]string, len(c.cfg.Clusters))
	for i := range c.cfg.Clusters {
		names[i] = c.cfg.Clusters[i].Name
	}
	switch {
	case len(names) == 0 || slices.Contains(names, l.Cluster):
	case l.Cluster == "":
		c.add(key, quote(""), fmt.Sprintf("there are %d clusters to choose from", len(names)),
			"name one of "+strings.Join(names, ", "), "cluster")
	default:
		c.add(key, quote(l.Cluster), "there is no [[cluster]] of that name", "name one of "+strings.Join(names, ", "), "cluster")
	}
}

func (c *checker) advertise(key, host string) {
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "" || err == nil && !ip.IsUnspecified():
	case err == nil:
		c.add(key, quote(host), "clients cannot dial it", `write the address that they can dial, or "" for the one they reached us on`)
	case !isHost(host):
		c.add(key, quote(host), "it is not a host name or an IP address alone",
			`write it as "mq.example.com", "192.0.2.1" or "2001:db8::1", without brackets and port; the ports are those of advertise_ports`)
	}
}

func (c *checker) brokers(key, mode string) {
	if mode == OnePort {
		c.add(key, quote(mode), "one port for all brokers is not available in this version", `write "`+PortPerBroker+`"`)
		return
	}
	c.oneOf(key, mode, PortPerBroker)
}

func (c *checker) advertisePorts(at string, l *Listener) {
	key, ports := join(at, "advertise_ports"), join(at, "broker_ports")
	switch told := l.AdvertisePorts; {
	case told.Any() || told.Len() == l.BrokerPorts.Len():
	case l.BrokerPorts.Any():
		c.add(key, quote(told.String()), "they stand for broker_ports one for one, and broker_ports is any free port",
			"give broker_ports a range as long, or remove advertise_ports", ports)
	default:
		c.add(key, quote(told.String()),
			fmt.Sprintf("they stand for broker_ports one for one, and are %d instead of %d", told.Len(), l.BrokerPorts.Len()),
			fmt.Sprintf("write a range as long as %s", l.BrokerPorts), ports)
	}
}

// fixedPorts checks [listener.ports].
func (c *checker) fixedPorts(at string, l *Listener) {
	holder := map[int]string{}
	for _, broker := range sortedKeys(l.Ports) {
		port, key := l.Ports[broker], join(join(at, "ports"), broker)
		value := strconv.Itoa(port)
		if _, _, ok := SplitBroker(broker); !ok {
			c.add(key, value, "that key names no broker", `write it as "name/id", such as "broker-a/0"`)
		}
		switch {
		case port < 1 || port > 65535:
			c.add(key, value, "it is not a port", "write a number from 1 to 65535")
		case !l.BrokerPorts.Any() && !l.BrokerPorts.Contains(port):
			c.add(key, value, "it lies outside of broker_ports", fmt.Sprintf("choose one of %s", l.BrokerPorts), join(at, "broker_ports"))
		case holder[port] != "":
			c.add(key, value, fmt.Sprintf("%s has that port already", holder[port]), "give each broker a port of its own")
		}
		holder[port] = broker
	}
	c.vipPorts(at, l, holder)
}

// vipPorts keeps an old client, which dials two ports below the one it was told, from reaching another broker.
func (c *checker) vipPorts(at string, l *Listener, holder map[int]string) {
	if !l.VIPChannel {
		return
	}
	for _, port := range slices.Sorted(maps.Keys(holder)) {
		below := holder[port-2]
		if below == "" {
			continue
		}
		c.add(join(join(at, "ports"), holder[port]), strconv.Itoa(port),
			fmt.Sprintf("clients <= 4.4 dial two ports below and would reach %s", below),
			"leave port - 2 of every broker free, or set vip_channel = false", join(at, "vip_channel"))
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
