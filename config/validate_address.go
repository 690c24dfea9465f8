package config

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// hostPort checks the form of an address and reports whether it is valid.
func (c *checker) hostPort(key, address string) bool {
	if _, _, ok := splitAddress(address); ok {
		return true
	}
	c.add(key, quote(address), "must be an address", `write it as "host:port", with an IPv6 host in brackets`)
	return false
}

// complete checks the form of an address that the proxy connects to. One without a host, or of every host, would be this machine by
// accident.
func (c *checker) complete(key, address string) bool {
	host, port, ok := splitAddress(address)
	switch ip := listenIP(host); {
	case !ok:
		return c.hostPort(key, address)
	case ip.IsUnspecified():
		c.add(key, quote(address), "names no host to connect to", fmt.Sprintf(`write it as "host:%d"`, cmp.Or(port, 9876)))
		return false
	case port == 0:
		c.add(key, quote(address), "names no port to connect to", `write it as "host:port"`)
		return false
	}
	return true
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

// listenHost is a host to listen on.
type listenHost struct {
	name string
	ip   netip.Addr // invalid: of a name, which may be any address of this machine
}

func hostToListenOn(name string) listenHost { return listenHost{name, listenIP(name)} }

// overlaps reports whether two hosts share addresses. 0.0.0.0 is every address of both families, as Go opens it. A name
// other than localhost is the same only as itself.
func (h listenHost) overlaps(other listenHost) bool {
	switch {
	case h.ip.IsUnspecified() || other.ip.IsUnspecified():
		return true
	case !h.ip.IsValid() || !other.ip.IsValid():
		return h.name == other.name
	}
	return h.ip == other.ip
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
