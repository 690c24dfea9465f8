package config

import (
	"errors"
	"strconv"
	"strings"
)

// PortRange is a range of TCP ports, both ends included. The zero value names no port: for broker_ports it means any
// free port.
type PortRange struct {
	First, Last int
}

var (
	errPorts    = errors.New("it is neither a port nor a range of ports")
	errPortsEnd = errors.New("the range ends before it begins")
)

// Any reports that the range names no ports.
func (r PortRange) Any() bool { return r == PortRange{} }

// Len is the number of ports; 0 when the range names none.
func (r PortRange) Len() int {
	if r.Any() {
		return 0
	}
	return r.Last - r.First + 1
}

// Contains reports whether the range names the port.
func (r PortRange) Contains(port int) bool { return !r.Any() && r.First <= port && port <= r.Last }

// Overlaps reports whether both ranges name a port.
func (r PortRange) Overlaps(other PortRange) bool {
	return !r.Any() && !other.Any() && r.First <= other.Last && other.First <= r.Last
}

// UnmarshalText reads "20000-20999", "20000", "0" or "".
func (r *PortRange) UnmarshalText(text []byte) error {
	if s := string(text); s == "" || s == "0" {
		*r = PortRange{}
		return nil
	}
	first, last, isRange := strings.Cut(string(text), "-")
	if !isRange {
		last = first
	}
	f, okFirst := parsePort(strings.TrimSpace(first))
	l, okLast := parsePort(strings.TrimSpace(last))
	if !okFirst || !okLast {
		return errPorts
	}
	if l < f {
		return errPortsEnd
	}
	*r = PortRange{First: f, Last: l}
	return nil
}

// MarshalText writes the range as [PortRange.String] does.
func (r PortRange) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String writes "20000-20999", "20000" or, for any port, "0".
func (r PortRange) String() string {
	if r.First == r.Last {
		return strconv.Itoa(r.First)
	}
	return strconv.Itoa(r.First) + "-" + strconv.Itoa(r.Last)
}

// parsePort reads a port from 1 to 65535 in plain digits.
func parsePort(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return int(n), err == nil && n > 0
}
