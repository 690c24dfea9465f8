package config

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// longestPath is the longest name of a Unix socket that Linux accepts (108 bytes with the final 0), less the ".a1b" that
// the socket's name has while it is created.
const longestPath = 103

func (c *checker) socketPath(key, path string) {
	switch {
	case path == "":
	case !strings.HasPrefix(path, "/"):
		c.add(key, quote(path), "must be an absolute path: a process in another directory would use another socket", `write a path such as "/run/rocketmq-proxy/hand-over.sock"`)
	case len(path) > longestPath:
		c.add(key, quote(path), fmt.Sprintf("is too long for a Unix socket: %d bytes, at most %d are allowed", len(path), longestPath),
			"choose a shorter path")
	}
}

// A socket is what one key makes the proxy listen on.
type socket struct {
	key, value string
	what       string // as a sentence calls it
	host       listenHost
	opens      route.PortOptions // the ports of a listener's brokers, with those of the VIP channel; zero: of one port
	ranges     []route.PortRange
}

// claim is one range of a socket's ports.
type claim struct {
	route.PortRange
	socket int // its number
}

// collision is that of two sockets, by their numbers, on the first port that both want.
type collision struct{ late, port, early int }

// sockets finds every two keys that ask for the same port.
func (c *checker) sockets() {
	all := c.cfg.sockets()
	var claims []claim
	for i := range all {
		for _, r := range all[i].ranges {
			claims = append(claims, claim{r, i})
		}
	}
	found := collisions(claims, func(a, b int) bool { return all[a].host.overlaps(all[b].host) })
	for _, f := range found {
		a, b := &all[f.early], &all[f.late]
		c.add(b.key, b.value, fmt.Sprintf("needs port %d%s, which belongs to %s", f.port, b.why(f.port), a.what), "give each ports of its own", a.key)
	}
}

// collisions goes through the claims in the order of ports and keeps those that are open there: its work grows with
// their number and with what it finds, not with the number of ports.
func collisions(claims []claim, sameHost func(a, b int) bool) (found []collision) {
	slices.SortStableFunc(claims, func(a, b claim) int { return cmp.Compare(a.First, b.First) })
	told := map[[2]int]bool{}
	var open []claim
	for _, c := range claims {
		open = slices.DeleteFunc(open, func(o claim) bool { return o.Last < c.First })
		for _, o := range open {
			pair := [2]int{min(o.socket, c.socket), max(o.socket, c.socket)}
			if pair[0] != pair[1] && !told[pair] && sameHost(pair[0], pair[1]) {
				told[pair] = true
				found = append(found, collision{late: pair[1], port: c.First, early: pair[0]})
			}
		}
		open = append(open, c)
	}
	slices.SortFunc(found, func(a, b collision) int {
		return cmp.Or(cmp.Compare(a.late, b.late), cmp.Compare(a.port, b.port), cmp.Compare(a.early, b.early))
	})
	return found
}

// why explains a port that is not written anywhere.
func (s *socket) why(port int) string {
	plain := s.opens
	plain.VIP = false
	if s.opens.VIP && !plain.Opens(port) {
		return " for its VIP channel (vip_channel)"
	}
	return ""
}

// sockets lists what the configuration listens on, in the order of keys. Port 0 claims nothing beforehand.
func (c *Config) sockets() []socket {
	var all []socket
	single := func(key, address, what string) {
		if host, port, ok := splitAddress(address); ok && port != 0 {
			one := []route.PortRange{{First: port, Last: port}}
			all = append(all, socket{key: key, value: quote(address), what: what, host: hostToListenOn(host), ranges: one})
		}
	}
	for i := range c.Listeners {
		l, at := &c.Listeners[i], index("listener", i)
		single(join(at, "address"), l.Address, fmt.Sprintf("the address of listener %q", l.Name))
		o, _ := l.PortOptions()
		host, port, ok := splitAddress(l.Address)
		if ok && l.Brokers == OnePort {
			if l.VIPChannel && port > route.VIPDistance {
				vip := []route.PortRange{{First: port - route.VIPDistance, Last: port - route.VIPDistance}}
				all = append(all, socket{
					key: join(at, "address"), value: quote(l.Address), what: fmt.Sprintf("the VIP channel of listener %q", l.Name),
					host: hostToListenOn(host), opens: route.PortOptions{VIP: true}, ranges: vip,
				})
			}
			continue
		}
		if !ok || len(o.Problems()) > 0 {
			continue
		}
		brokers := socket{key: join(at, "broker_ports"), value: quote(l.BrokerPorts.String()), what: fmt.Sprintf("the brokers of listener %q", l.Name), host: hostToListenOn(host), opens: o, ranges: o.Opened()}
		if !l.BrokerPorts.Any() {
			all = append(all, brokers)
			continue
		}
		for _, id := range slices.SortedFunc(maps.Keys(o.Fixed), route.BrokerID.Compare) {
			port := o.Fixed[id]
			brokers.key, brokers.value, brokers.what = join(join(at, "ports"), id.String()), strconv.Itoa(port), fmt.Sprintf("broker %s of listener %q", id, l.Name)
			brokers.opens.Fixed = map[route.BrokerID]int{id: port}
			brokers.ranges = brokers.opens.Opened()
			all = append(all, brokers)
		}
	}
	single("admin.address", c.Admin.Address, "the admin address")
	single("metrics.address", c.Metrics.Address, "metrics.address")
	return all
}

// listenersByAddress are the numbers of the listeners that have an address.
func (c *Config) listenersByAddress() map[netip.AddrPort][]int {
	by := map[netip.AddrPort][]int{}
	for i := range c.Listeners {
		if host, port, ok := splitAddress(c.Listeners[i].Address); ok && port != 0 {
			at := netip.AddrPortFrom(listenIP(host), uint16(port))
			by[at] = append(by[at], i)
		}
	}
	return by
}

// loops are the numbers of the proxy's own listeners that dialing a name server from this machine would reach.
func loops(server string, listeners map[netip.AddrPort][]int) (list []int) {
	host, port, _ := splitAddress(server)
	ip := listenIP(host)
	if !ip.IsValid() { // a name
		return nil
	}
	hosts := []netip.Addr{ip}
	if ip.IsLoopback() {
		hosts = append(hosts, netip.IPv4Unspecified(), netip.IPv6Unspecified())
	}
	for _, h := range hosts {
		list = append(list, listeners[netip.AddrPortFrom(h, uint16(port))]...)
	}
	slices.Sort(list)
	return list
}
