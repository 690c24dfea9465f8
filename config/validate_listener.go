package config

import (
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

func (c *checker) listeners() {
	if len(c.cfg.Listeners) == 0 {
		c.add("listener", "", "no listener is configured",
			"add a [[listener]] to the file; without keys it listens on "+DefaultListener().Address)
	}
	names := map[string]string{}
	for i := range c.cfg.Listeners {
		l, at := &c.cfg.Listeners[i], index("listener", i)
		c.name(join(at, "name"), l.Name)
		c.taken(join(at, "name"), l.Name, names)
		c.hostPort(join(at, "address"), l.Address)
		c.entry(join(at, "cluster"), l.Cluster, &c.clusterList, fmt.Sprintf("there are %d clusters to choose from", len(c.clusterList.places)))
		c.advertise(join(at, "advertise"), l.Advertise)
		c.oneOf(join(at, "brokers"), l.Brokers, PortPerBroker, OnePort)
		c.oneOf(join(at, "unnamed"), l.Unnamed, Refuse, Balance)
		c.above0(join(at, "transient_object_life_span"), l.TransientObjectLifeSpan)
		if l.Brokers == OnePort {
			c.onePort(at, l)
		} else {
			c.ports(at, l)
		}
		if l.StatPrefix != c.cfg.StatPrefix { // otherwise the problem is reported at the top level
			c.name(join(at, "stat_prefix"), l.StatPrefix)
		}
		c.proxyFrom(join(at, "proxy_protocol_from"), l.ProxyProtocolFrom)
		c.listenerGRPC(join(at, "grpc"), &l.GRPC)
		c.listenerTLS(join(at, "tls"), &l.TLS)
	}
}

func (c *checker) advertise(key, host string) {
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "" || err == nil && !ip.IsUnspecified():
	case err == nil:
		c.add(key, quote(host), "clients cannot connect to it", `write an address that they can connect to, or "" for the one that they used`)
	case !isHost(host):
		c.add(key, quote(host), "must be a host name or an IP address, without a port",
			`write it as "mq.example.com", "192.0.2.1" or "2001:db8::1", without brackets; advertise_ports are the ports`)
	}
}

// ports checks broker_ports, advertise_ports and [listener.ports] by the rules of the port table that will use them.
func (c *checker) ports(at string, l *Listener) {
	o, unknown := l.PortOptions()
	for _, key := range unknown {
		c.add(join(join(at, "ports"), key), strconv.Itoa(l.Ports[key]), "the key is not a broker", `write it as "name/id", such as "broker-a/0"`)
	}
	for _, p := range o.Problems() {
		key, value := join(at, p.Key), written(reflect.ValueOf(l.BrokerPorts))
		switch p.Key {
		case "ports":
			key, value = join(key, p.Broker.String()), strconv.Itoa(o.Fixed[p.Broker])
		case "advertise_ports":
			value = written(reflect.ValueOf(l.AdvertisePorts))
		}
		c.add(key, value, p.Fault, p.Remedy, join(at, "broker_ports"), join(at, "advertise_ports"), join(at, "vip_channel"))
	}
	for _, b := range slices.SortedFunc(maps.Keys(o.Fixed), route.BrokerID.Compare) {
		if port := o.Fixed[b]; !l.BrokerPorts.Any() && !l.BrokerPorts.Contains(port) && 0 < port && port <= 65535 {
			c.add(join(join(at, "ports"), b.String()), strconv.Itoa(port), fmt.Sprintf("lies outside of broker_ports, which is %s", l.BrokerPorts),
				"choose a port of broker_ports", join(at, "broker_ports"))
		}
	}
}

// PortOptions are the rules by which the listener's brokers get their ports, and the keys of [listener.ports] that are
// not brokers.
func (l *Listener) PortOptions() (o route.PortOptions, unknown []string) {
	if l.Brokers == OnePort { // they have none of their own
		return route.PortOptions{VIP: l.VIPChannel}, nil
	}
	o = route.PortOptions{
		Listen: route.PortRange(l.BrokerPorts), Advertise: route.PortRange(l.AdvertisePorts), VIP: l.VIPChannel,
		Fixed: map[route.BrokerID]int{},
	}
	for _, key := range sortedKeys(l.Ports) {
		if id, err := route.ParseBrokerID(key); err == nil && id.ID >= 0 {
			o.Fixed[id] = l.Ports[key]
		} else {
			unknown = append(unknown, key)
		}
	}
	return o, unknown
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
