package config

import (
	"reflect"
	"strconv"
)

// Values of limit.per. Empty is one limit for all.
const (
	PerClient  = "client"
	PerAddress = "address"
	PerTopic   = "topic"
	PerGroup   = "group"
)

// requestLimits checks the [[limit]] tables.
func (c *checker) requestLimits() {
	names := map[string]string{}
	for i := range c.cfg.RequestLimits {
		l, at := &c.cfg.RequestLimits[i], index("limit", i)
		c.name(join(at, "name"), l.Name)
		c.taken(join(at, "name"), l.Name, names)
		c.entry(join(at, "listener"), l.Listener, &c.listenerList, "")
		for _, m := range []struct {
			key string
			Matcher
		}{{"topic", l.Topic}, {"group", l.Group}, {"client", l.Client}} {
			_, err := m.Compile()
			c.matcher(join(at, m.key), m.Matcher, err)
		}
		if len(l.Addresses) == 0 {
			c.add(join(at, "address"), "[]", "no client is in it", `list networks, such as ["10.1.0.0/16"], or remove it for all clients`)
		}
		c.proxyFrom(join(at, "address"), l.Addresses)
		c.oneOf(join(at, "per"), l.Per, "", PerClient, PerAddress, PerTopic, PerGroup)
		c.rates(at, l)
	}
}

// rates checks that a limit limits something.
func (c *checker) rates(at string, l *Limit) {
	c.count(join(at, "requests_per_second"), l.RequestsPerSecond)
	c.count(join(at, "in_flight"), l.InFlight)
	c.atLeast0(join(at, "burst"), l.Burst)
	rates := l.RequestsPerSecond != 0 || l.BytesPerSecond != 0
	switch {
	case !rates && l.InFlight == 0:
		c.add(at, "", "limits nothing", "give it requests_per_second, bytes_per_second or in_flight")
	case !rates && l.Burst > 0:
		c.add(join(at, "burst"), strconv.Itoa(l.Burst), "is for requests_per_second and bytes_per_second, and none is set", "set one of them, or remove it",
			join(at, "requests_per_second"), join(at, "bytes_per_second"))
	}
}

// Everywhere reports that a limit is for clients of all addresses.
func (l *Limit) Everywhere() bool { return reflect.DeepEqual(l.Addresses, DefaultLimit().Addresses) }
