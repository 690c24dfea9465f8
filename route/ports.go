package route

import (
	"fmt"
	"maps"
	"slices"
)

const maxPort = 65535

// VIPDistance is how far below a broker's port clients up to 4.4 dial while their VIP channel is on
// (MixAll.java#brokerVIPChannel).
const VIPDistance = 2

// PortRange is a range of TCP ports, both ends included. The zero value means any free port.
type PortRange struct{ First, Last int }

// IsZero reports whether any free port will do.
func (r PortRange) IsZero() bool { return r == PortRange{} }

// Contains reports whether port lies in the range.
func (r PortRange) Contains(port int) bool { return r.First <= port && port <= r.Last }

func (r PortRange) length() int { return r.Last - r.First + 1 }

// String is the form of listener.broker_ports, "20000-20099".
func (r PortRange) String() string { return fmt.Sprintf("%d-%d", r.First, r.Last) }

// PortOptions say where brokers may have their ports.
type PortOptions struct {
	Listen    PortRange        // listener.broker_ports
	Advertise PortRange        // listener.advertise_ports, as long as Listen; zero: as Listen
	Fixed     map[BrokerID]int // listener.ports: listening ports that are decided already
	VIP       bool             // leave port - 2 of each broker free for a VIP listener
}

// RangeFullError says that a broker cannot be offered because all places of the range are taken.
type RangeFullError struct {
	Broker BrokerID
	Range  PortRange
	Places int // how many brokers the range has room for
	VIP    bool
}

func (e *RangeFullError) Error() string {
	remedy := "widen listener.broker_ports"
	if e.VIP {
		remedy += ", or set vip_channel = false, which doubles the places"
	}
	return fmt.Sprintf("no port is left for broker %s: the range %s has %d places and all are taken; %s",
		e.Broker, e.Range, e.Places, remedy)
}

// PortTable gives each broker process a listening port for good: clients know brokers by their ports, so a port that
// changed hands would send them to the wrong broker. It only grows. It belongs to one goroutine.
//
// With VIP, the places of a range are its offsets 0, 1, 4, 5, 8, 9 and so on: then a place minus 2 is never another
// place. The first two VIP ports lie just below the range.
type PortTable struct {
	o       PortOptions
	ports   map[BrokerID]int
	holders map[int]BrokerID  // who has a port, or had it: nobody else may get it
	told    map[BrokerID]bool // clients may know its port
}

// NewPortTable makes a table of the fixed ports and then the saved ones. A saved port that no longer fits (outside of
// the range, or in the way of one that is fixed) is dropped: its broker gets another one.
func NewPortTable(o PortOptions, saved map[BrokerID]int) (*PortTable, error) {
	if list := o.Problems(); len(list) > 0 {
		return nil, fmt.Errorf("cannot use listener.%s: %s; %s", list[0].Key, list[0].Fault, list[0].Remedy)
	}
	t := &PortTable{o: o, ports: make(map[BrokerID]int), holders: make(map[int]BrokerID), told: make(map[BrokerID]bool)}
	for b, port := range o.Fixed {
		t.give(b, port)
	}
	// In the order of ports: of two saved ones that exclude each other, the lower stays.
	for _, b := range slices.SortedFunc(maps.Keys(saved), func(a, b BrokerID) int {
		return cmpPort(saved, a, b)
	}) {
		port := saved[b]
		if _, has := t.ports[b]; !has && t.fits(port) && t.free(b, port) {
			t.give(b, port)
		}
	}
	t.retire(saved)
	for b := range t.ports {
		t.told[b] = true
	}
	return t, nil
}

// Told notes that clients may know a broker's port from now on: it stays with the broker for good.
func (t *PortTable) Told(b BrokerID) { t.told[b] = true }

// Elsewhere gives a broker whose port cannot be opened the next free one of the range. ok is false, and the broker has none,
// when there is none; or when clients may know the port, which it keeps.
func (t *PortTable) Elsewhere(b BrokerID) (ok bool) {
	port, has := t.ports[b]
	if !has || t.told[b] || t.o.Listen.IsZero() {
		return false
	}
	delete(t.ports, b)
	delete(t.holders, port)
	for next := port + 1; next <= t.o.Listen.Last; next++ {
		if t.o.usable(next) && t.free(b, next) {
			t.give(b, next)
			return true
		}
	}
	return false
}

// Place returns the listening and the advertised port of a broker, which it gives it if need be. Both are 0 while
// any free port will do and Bind has not told which it is.
func (t *PortTable) Place(b BrokerID) (listen, advertise int, err error) {
	port, has := t.ports[b]
	if !has {
		if t.o.Listen.IsZero() {
			return 0, 0, nil
		}
		if port, has = t.lowestFree(b); !has {
			return 0, 0, &RangeFullError{b, t.o.Listen, t.places(), t.o.VIP}
		}
		t.give(b, port)
	}
	return port, t.advertised(port), nil
}

// Bind remembers the port that the system gave to a broker's listener when any free one would do. It also replaces a
// saved port that could not be opened again.
func (t *PortTable) Bind(b BrokerID, port int) {
	if old, has := t.ports[t.holders[port]]; has && old == port && t.holders[port] != b {
		delete(t.ports, t.holders[port]) // it had the port in an earlier life only: the socket decides
	}
	t.give(b, port)
}

// Entries returns a copy of the table, listening ports by broker, for the state file.
func (t *PortTable) Entries() map[BrokerID]int { return maps.Clone(t.ports) }
