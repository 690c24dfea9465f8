package config

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// hostPort checks the form of an address and tells whether it is right.
func (c *checker) hostPort(key, address string) bool {
	if _, _, ok := splitAddress(address); ok {
		return true
	}
	c.add(key, quote(address), "it is not an address", `write it as "host:port", an IPv6 host in brackets`)
	return false
}

// splitAddress takes "host:port" apart; port 0 is allowed, for listening on any free one.
func splitAddress(address string) (host string, port int, ok bool) {
	host, digits, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	ok = err == nil && (host == "" || isHost(host))
	return host, int(n), ok
}

// isHost tells an IP address or a host name. Digits and dots that are no IP address are a mistyped one.
func isHost(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || hostName.MatchString(host) && strings.Trim(host, "0123456789.") != ""
}

// hostName is lenient: what counts is that it can be resolved, and that it is no address with something around it.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$`)

// longestPath is what the kernel takes for the name of a Unix socket (108 bytes with the final 0), less the ".new"
// under which it is made.
const longestPath = 103

func (c *checker) socketPath(key, path string) {
	switch {
	case path == "":
	case !strings.HasPrefix(path, "/"):
		c.add(key, quote(path), "it would be another socket for whoever starts elsewhere", "write it from the root, such as \"/run/rocketmq-proxy/hand-over.sock\"")
	case len(path) > longestPath:
		c.add(key, quote(path), fmt.Sprintf("it has %d bytes, and the name of a Unix socket has at most %d", len(path), longestPath),
			"choose a shorter path")
	}
}

// A socket is what one key makes the proxy listen on.
type socket struct {
	key, value string
	what       string // as a sentence calls it
	host       string
	ports      PortRange
}

// sockets tells every two keys that ask for the same port.
func (c *checker) sockets() {
	all := c.cfg.sockets()
	for i, b := range all {
		for _, a := range all[:i] {
			if a.ports.Overlaps(b.ports) && sameHost(a.host, b.host) {
				c.add(b.key, b.value, "it claims a port of "+a.what, "give each ports of its own", a.key)
			}
		}
	}
}

// sockets lists what the configuration listens on, in the order of keys. Port 0 and broker_ports = 0 claim nothing
// beforehand; fixed ports outside of a range claim one each.
func (c *Config) sockets() []socket {
	var all []socket
	for i := range c.Listeners {
		l, at := &c.Listeners[i], index("listener", i)
		host, port, ok := splitAddress(l.Address)
		if !ok {
			continue
		}
		all = append(all,
			socket{join(at, "address"), quote(l.Address), fmt.Sprintf("the address of listener %q", l.Name), host, PortRange{port, port}},
			socket{join(at, "broker_ports"), quote(l.BrokerPorts.String()), fmt.Sprintf("the broker_ports of listener %q", l.Name), host, l.BrokerPorts})
		for _, broker := range sortedKeys(l.Ports) {
			if p := l.Ports[broker]; l.BrokerPorts.Any() {
				key := join(join(at, "ports"), broker)
				all = append(all, socket{key, strconv.Itoa(p), fmt.Sprintf("broker %s of listener %q", broker, l.Name), host, PortRange{p, p}})
			}
		}
	}
	if host, port, ok := splitAddress(c.Admin.Address); ok {
		all = append(all, socket{"admin.address", quote(c.Admin.Address), "the admin address", host, PortRange{port, port}})
	}
	if host, port, ok := splitAddress(c.Metrics.Address); ok {
		all = append(all, socket{"metrics.address", quote(c.Metrics.Address), "metrics.address", host, PortRange{port, port}})
	}
	return all
}

// sameHost tells whether two hosts to listen on share addresses. A name other than localhost may be any address of
// this machine, so it is the same only as itself.
func sameHost(a, b string) bool {
	ipA, ipB := listenIP(a), listenIP(b)
	switch {
	case !ipA.IsValid() || !ipB.IsValid():
		return a == b || ipA.IsUnspecified() || ipB.IsUnspecified()
	case ipA.IsUnspecified() && ipB.IsUnspecified():
		return true
	case ipA.IsUnspecified():
		return ipA.Is6() || ipB.Is4()
	case ipB.IsUnspecified():
		return ipB.Is6() || ipA.Is4()
	}
	return ipA == ipB
}

// listenIP is the IP address that a host to listen on stands for; no host is every address, of both families.
func listenIP(host string) netip.Addr {
	switch host {
	case "":
		return netip.IPv6Unspecified()
	case "localhost":
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	ip, _ := netip.ParseAddr(host)
	return ip.Unmap()
}

// loops tells whether dialling a name server from this machine would reach the proxy's own listener.
func loops(server, listener string) bool {
	serverHost, serverPort, ok1 := splitAddress(server)
	host, port, ok2 := splitAddress(listener)
	if !ok1 || !ok2 || port != serverPort || port == 0 {
		return false
	}
	ip := listenIP(serverHost)
	return ip.IsValid() && (ip == listenIP(host) || ip.IsLoopback() && sameHost(serverHost, host))
}
