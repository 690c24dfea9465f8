package config

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// hostPort checks the form of an address and reports whether it is valid.
func (c *checker) hostPort(key, address string) bool {
	if _, _, ok := splitAddress(address); ok {
		return true
	}
	c.add(key, quote(address), "must be an address", `write it as "host:port", with an IPv6 host in brackets`)
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

// isHost reports whether a text is an IP address or a host name. Digits and dots that are not an IP address are a mistyped one.
func isHost(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || hostName.MatchString(host) && strings.Trim(host, "0123456789.") != ""
}

// hostName is lenient: it must be possible to resolve, and not an address with something around it.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$`)

// longestPath is the longest name of a Unix socket that Linux accepts (108 bytes with the final 0), less the ".new" that
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
	host       string
	port       int               // 0: any free port, or opens says
	opens      route.PortOptions // the ports of a listener's brokers, with those of the VIP channel
}

// sockets finds every two keys that ask for the same port.
func (c *checker) sockets() {
	all := c.cfg.sockets()
	owners := map[int][]*socket{} // by port
	for i := range all {
		b, told := &all[i], map[*socket]bool{}
		for _, port := range b.ports() {
			for _, a := range owners[port] {
				if sameHost(a.host, b.host) && !told[a] {
					told[a] = true
					c.add(b.key, b.value, fmt.Sprintf("needs port %d%s, which belongs to %s", port, b.why(port), a.what), "give each ports of its own", a.key)
				}
			}
			owners[port] = append(owners[port], b)
		}
	}
}

func (s *socket) ports() (list []int) {
	if s.port != 0 {
		return []int{s.port}
	}
	for port := 1; port <= 65535; port++ {
		if s.opens.Opens(port) {
			list = append(list, port)
		}
	}
	return list
}

// why explains a port that is not written anywhere.
func (s *socket) why(port int) string {
	plain := s.opens
	plain.VIP = false
	if s.port == 0 && !plain.Opens(port) {
		return " for its VIP channel (vip_channel)"
	}
	return ""
}

// sockets lists what the configuration listens on, in the order of keys. Port 0 claims nothing beforehand.
func (c *Config) sockets() []socket {
	var all []socket
	single := func(key, address, what string) {
		if host, port, ok := splitAddress(address); ok && port != 0 {
			all = append(all, socket{key: key, value: quote(address), what: what, host: host, port: port})
		}
	}
	for i := range c.Listeners {
		l, at := &c.Listeners[i], index("listener", i)
		single(join(at, "address"), l.Address, fmt.Sprintf("the address of listener %q", l.Name))
		o, _ := l.PortOptions()
		host, _, ok := splitAddress(l.Address)
		if !ok || len(o.Problems()) > 0 {
			continue
		}
		brokers := socket{key: join(at, "broker_ports"), value: quote(l.BrokerPorts.String()), what: fmt.Sprintf("the brokers of listener %q", l.Name), host: host, opens: o}
		if !l.BrokerPorts.Any() {
			all = append(all, brokers)
			continue
		}
		for _, id := range slices.SortedFunc(maps.Keys(o.Fixed), route.BrokerID.Compare) {
			port := o.Fixed[id]
			brokers.key, brokers.value, brokers.what = join(join(at, "ports"), id.String()), strconv.Itoa(port), fmt.Sprintf("broker %s of listener %q", id, l.Name)
			brokers.opens.Fixed = map[route.BrokerID]int{id: port}
			all = append(all, brokers)
		}
	}
	single("admin.address", c.Admin.Address, "the admin address")
	single("metrics.address", c.Metrics.Address, "metrics.address")
	return all
}

// sameHost reports whether two hosts to listen on share addresses. A name other than localhost may be any address of
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

// listenIP is the IP address of a host to listen on; an empty host means every address, of both families.
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

// loops reports whether dialing a name server from this machine would reach the proxy's own listener.
func loops(server, listener string) bool {
	serverHost, serverPort, ok1 := splitAddress(server)
	host, port, ok2 := splitAddress(listener)
	if !ok1 || !ok2 || port != serverPort || port == 0 {
		return false
	}
	ip := listenIP(serverHost)
	return ip.IsValid() && (ip == listenIP(host) || ip.IsLoopback() && sameHost(serverHost, host))
}
