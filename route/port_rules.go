package route

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// PortProblem is one reason why options cannot be used, as a sentence about a key of a listener needs it.
type PortProblem struct {
	Key    string   // "broker_ports", "advertise_ports" or "ports"
	Broker BrokerID // whose entry of "ports" it is
	Fault  string
	Remedy string
}

// Problems tells everything that keeps options from being used: [NewPortTable] takes those that have none.
func (o PortOptions) Problems() (list []PortProblem) {
	for _, r := range []struct {
		key string
		PortRange
	}{{"broker_ports", o.Listen}, {"advertise_ports", o.Advertise}} {
		switch {
		case r.IsZero() || r.key == "advertise_ports" && r.PortRange == o.Listen:
		case r.First < 1 || r.Last > maxPort || r.First > r.Last:
			list = append(list, PortProblem{Key: r.key, Fault: fmt.Sprintf("must be a range of ports between 1 and %d", maxPort), Remedy: `write "20000-20999"`})
		case r.First < o.lowest():
			list = append(list, PortProblem{
				Key: r.key, Fault: fmt.Sprintf("leaves no port for the VIP channel, which is %d below each broker's", VIPDistance),
				Remedy: fmt.Sprintf("begin the range at %d or above, or set vip_channel = false", o.lowest()),
			})
		}
	}
	if len(list) > 0 {
		return list
	}
	if !o.Advertise.IsZero() && o.Advertise.length() != o.Listen.length() {
		return []PortProblem{{
			Key: "advertise_ports", Fault: fmt.Sprintf("must be as long as broker_ports: %d ports instead of %d", o.Advertise.length(), o.Listen.length()),
			Remedy: "give both ranges the same length, or remove advertise_ports",
		}}
	}
	return o.fixedProblems()
}

// lowest is the lowest port that a broker can have.
func (o PortOptions) lowest() int {
	if o.VIP {
		return 1 + VIPDistance
	}
	return 1
}

// shift is how far advertised ports lie above those that are listened on.
func (o PortOptions) shift() int {
	if o.Advertise.IsZero() {
		return 0
	}
	return o.Advertise.First - o.Listen.First
}

func (o PortOptions) fixedProblems() (list []PortProblem) {
	holders := make(map[int]BrokerID, len(o.Fixed))
	brokers := slices.SortedFunc(maps.Keys(o.Fixed), BrokerID.Compare)
	for _, b := range brokers {
		port, told, lowest := o.Fixed[b], o.Fixed[b]+o.shift(), o.lowest()
		other, taken := holders[port]
		switch {
		case port < lowest || port > maxPort:
			list = append(list, PortProblem{"ports", b, fmt.Sprintf("must be a port from %d to %d", lowest, maxPort), "choose another port"})
		case told < lowest || told > maxPort:
			list = append(list, PortProblem{"ports", b, fmt.Sprintf("would be advertised as %d, which is not a port from %d to %d", told, lowest, maxPort), "choose another port"})
		case taken:
			list = append(list, PortProblem{"ports", b, fmt.Sprintf("is the port of %s already", other), "give each broker a port of its own"})
		default:
			holders[port] = b
		}
	}
	for _, b := range brokers {
		if below, near := holders[o.Fixed[b]-VIPDistance]; near && o.VIP && holders[o.Fixed[b]] == b {
			list = append(list, PortProblem{
				"ports", b, fmt.Sprintf("clients <= 4.4 dial two ports below it and would reach %s", below),
				"leave port - 2 of every broker free, or set vip_channel = false",
			})
		}
	}
	return list
}

// Opens tells whether a listener with these options may listen on a port: as that of a broker, or of the VIP channel.
func (o PortOptions) Opens(port int) bool {
	vip := port + VIPDistance
	for _, fixed := range o.Fixed {
		if fixed == port || o.VIP && fixed == vip {
			return true
		}
	}
	return !o.Listen.IsZero() && (o.Listen.Contains(port) && o.usable(port) || o.VIP && o.Listen.Contains(vip) && o.usable(vip))
}

// Opened are the ports for which Opens is true, as ranges that may overlap.
func (o PortOptions) Opened() (list []PortRange) {
	for _, port := range o.Fixed {
		list = append(list, PortRange{port, port})
		if o.VIP {
			list = append(list, PortRange{port - VIPDistance, port - VIPDistance})
		}
	}
	switch first, last := o.Listen.First, o.Listen.Last; {
	case o.Listen.IsZero():
	case !o.VIP:
		list = append(list, o.Listen)
	case (last-first)%(2*VIPDistance) == 0: // the last place stands alone, and so does its VIP port
		list = append(list, PortRange{first - VIPDistance, last - VIPDistance}, PortRange{last, last})
	default:
		list = append(list, PortRange{first - VIPDistance, last - max((last-first)%(2*VIPDistance)-1, 0)})
	}
	return list
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
	_, below := t.holders[port-VIPDistance]
	_, above := t.holders[port+VIPDistance]
	return !below && !above
}

// usable reports whether a port of the range is a place.
func (o PortOptions) usable(port int) bool {
	return !o.VIP || (port-o.Listen.First)%(2*VIPDistance) < VIPDistance
}

func (t *PortTable) places() (n int) {
	for port := t.o.Listen.First; port <= t.o.Listen.Last; port++ {
		if t.o.usable(port) {
			n++
		}
	}
	return n
}

func (t *PortTable) lowestFree(b BrokerID) (port int, ok bool) {
	for port := t.o.Listen.First; port <= t.o.Listen.Last; port++ {
		if t.o.usable(port) && t.free(b, port) {
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
