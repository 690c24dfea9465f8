package route

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// SplitAddress reads the "host:port" of a broker as name servers and messages have it. Java writes IPv6 addresses
// without brackets (brokerIP1=fd00::7 becomes fd00::7:10911) and cuts at the last colon, so this does the same. The host
// comes without brackets. It may be a name.
func SplitAddress(address string) (host string, port uint16, err error) {
	colon := strings.LastIndexByte(address, ':')
	if colon < 0 {
		return "", 0, badAddress(address, errors.New("no port"))
	}
	host = address[:colon]
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	if host == "" || strings.ContainsAny(host, "[] \t") {
		return "", 0, badAddress(address, errors.New("no host"))
	}
	n, err := strconv.ParseUint(address[colon+1:], 10, 16)
	if err != nil || n == 0 {
		return "", 0, badAddress(address, fmt.Errorf("%q is not a port", address[colon+1:]))
	}
	return host, uint16(n), nil
}

func badAddress(address string, cause error) error {
	return fmt.Errorf("cannot read the broker address %q: %w; write host:port", address, cause)
}

// DialAddress is a broker's address as Go dials it: with brackets around an IPv6 address, whether it came with them or
// not. What is not a broker's address comes back as it is, for the dial to refuse.
func DialAddress(address string) string {
	host, port, err := SplitAddress(address)
	if err != nil {
		return address
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// VIPAddress is that of a broker's VIP port: two below the other (MixAll.java#brokerVIPChannel). ok is false when there is
// none.
func VIPAddress(address string) (vip string, ok bool) {
	host, port, err := SplitAddress(address)
	if err != nil || port <= VIPDistance {
		return "", false
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port)-VIPDistance)), true
}
