package route

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// check refuses options that contradict themselves.
func (o PortOptions) check() error {
	for _, r := range []struct {
		key string
		PortRange
	}{{"broker_ports", o.Listen}, {"advertise_ports", o.Advertise}} {
		if !r.IsZero() && (r.First < 1 || r.Last > maxPort || r.First > r.Last) {
			return fmt.Errorf("listener.%s: %s is no range of ports between 1 and %d", r.key, r.PortRange, maxPort)
		}
	}
	shift := 0
	if !o.Advertise.IsZero() {
		if shift = o.Advertise.First - o.Listen.First; o.Advertise.Last-o.Listen.Last != shift || o.Listen.IsZero() {
			return fmt.Errorf("listener.advertise_ports: %s must be as long as listener.broker_ports (%s)", o.Advertise, o.Listen)
		}
	}
	lowest := 1
	if o.VIP {
		lowest += vipDistance
	}
	for _, r := range []PortRange{o.Listen, o.Advertise} {
		if !r.IsZero() && r.First < lowest {
			return fmt.Errorf("listener.broker_ports: %s leaves no port for the VIP channel below its first one", r)
		}
	}
	return o.checkFixed(lowest, shift)
}

func (o PortOptions) checkFixed(lowest, shift int) error {
	seen := make(map[int]BrokerID, len(o.Fixed))
	for _, b := range slices.SortedFunc(maps.Keys(o.Fixed), BrokerID.Compare) {
		port := o.Fixed[b]
		if min(port, port+shift) < lowest || max(port, port+shift) > maxPort {
			return fmt.Errorf("listener.ports: %q = %d, advertised as %d, is outside of %d-%d", b, port, port+shift, lowest, maxPort)
		}
		if other, taken := seen[port]; taken {
			return fmt.Errorf("listener.ports: %q and %q both have port %d", other, b, port)
		}
		seen[port] = b
	}
	for port, b := range seen {
		if other, near := seen[port-vipDistance]; near && o.VIP {
			return fmt.Errorf("listener.ports: %q = %d is the VIP port of %q = %d: move one of them, or set vip_channel = false",
				other, port-vipDistance, b, port)
		}
	}
	return nil
}

// fits reports whether a saved port is one that the options allow.
func (t *PortTable) fits(port int) bool {
	if t.o.Listen.IsZero() {
		return 1 <= port && port <= maxPort
	}
	return t.o.Listen.Contains(port)
}

// free reports whether b may have port: nobody else has or had it and, with VIP, no broker listens where b's VIP
// port would be, nor the other way round.
func (t *PortTable) free(b BrokerID, port int) bool {
	if holder, taken := t.holders[port]; taken && holder != b {
		return false
	}
	if !t.o.VIP {
		return true
	}
	_, below := t.holders[port-vipDistance]
	_, above := t.holders[port+vipDistance]
	return !below && !above
}

// usable reports whether a port of the range is a place.
func (t *PortTable) usable(port int) bool {
	return !t.o.VIP || (port-t.o.Listen.First)%(2*vipDistance) < vipDistance
}

func (t *PortTable) places() (n int) {
	for port := t.o.Listen.First; port <= t.o.Listen.Last; port++ {
		if t.usable(port) {
			n++
		}
	}
	return n
}

func (t *PortTable) lowestFree(b BrokerID) (port int, ok bool) {
	for port := t.o.Listen.First; port <= t.o.Listen.Last; port++ {
		if t.usable(port) && t.free(b, port) {
			return port, true
		}
	}
	return 0, false
}

func (t *PortTable) give(b BrokerID, port int) {
	t.ports[b] = port
	t.holders[port] = b
}

// retire keeps the saved ports that were dropped from being given to anybody else: clients may still know them.
func (t *PortTable) retire(saved map[BrokerID]int) {
	for _, b := range slices.SortedFunc(maps.Keys(saved), BrokerID.Compare) {
		if _, taken := t.holders[saved[b]]; !taken {
			t.holders[saved[b]] = b
		}
	}
}

// advertised is the port that clients dial for a listening port.
func (t *PortTable) advertised(port int) int {
	if t.o.Advertise.IsZero() {
		return port
	}
	return t.o.Advertise.First + port - t.o.Listen.First
}

// cmpPort orders brokers by their saved port, then by name.
func cmpPort(saved map[BrokerID]int, a, b BrokerID) int {
	return cmp.Or(cmp.Compare(saved[a], saved[b]), a.Compare(b))
}
