package config

import (
	"fmt"
	"reflect"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// onePort checks the ports of a listener that has one for all brokers.
func (c *checker) onePort(at string, l *Listener) {
	about := join(at, "brokers")
	if key := join(at, "broker_ports"); c.cfg.origins[key] != "" || l.BrokerPorts != DefaultListener().BrokerPorts {
		c.add(key, written(reflect.ValueOf(l.BrokerPorts)), `brokers have no ports of their own with brokers = "one-port"`, "remove it", about)
	}
	if len(l.Ports) > 0 {
		c.add(join(at, "ports"), written(reflect.ValueOf(l.Ports)), `brokers have no ports of their own with brokers = "one-port"`, "remove it", about)
	}
	told, key := l.AdvertisePorts, join(at, "advertise_ports")
	switch {
	case told.Any():
	case told.First != told.Last || told.First < 1 || told.Last > 65535:
		c.add(key, written(reflect.ValueOf(told)), `must be one port with brokers = "one-port"`, `write the port that clients connect to, such as "30000"`, about)
	case l.VIPChannel && told.First <= route.VIPDistance:
		c.add(key, written(reflect.ValueOf(told)), fmt.Sprintf("leaves no port for the VIP channel, which is %d below", route.VIPDistance),
			"choose a higher port, or set vip_channel = false", about, join(at, "vip_channel"))
	}
	if _, port, ok := splitAddress(l.Address); ok && l.VIPChannel && port != 0 && port <= route.VIPDistance {
		c.add(join(at, "address"), quote(l.Address), fmt.Sprintf("leaves no port for the VIP channel, which is %d below %s", route.VIPDistance, strconv.Itoa(port)),
			"choose a higher port, or set vip_channel = false", about, join(at, "vip_channel"))
	}
}
