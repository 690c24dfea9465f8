package route_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// ports makes a table of brokers by name, all with id 0.
func ports(named map[string]int) map[route.BrokerID]int {
	m := make(map[route.BrokerID]int, len(named))
	for name, port := range named {
		m[route.BrokerID{Name: name}] = port
	}
	return m
}

type named = map[string]int

func newTable(t *testing.T, o route.PortOptions, saved map[string]int) *route.PortTable {
	t.Helper()
	table, err := route.NewPortTable(o, ports(saved))
	require.NoError(t, err)
	return table
}

// place asks for the place of broker name/0.
func place(t *testing.T, table *route.PortTable, name string) [2]int {
	t.Helper()
	listen, advertise, err := table.Place(route.BrokerID{Name: name})
	require.NoError(t, err)
	return [2]int{listen, advertise}
}

func TestPortTableLowestFree(t *testing.T) {
	table := newTable(t, route.PortOptions{Listen: route.PortRange{First: 20000, Last: 20009}}, nil)
	require.Equal(t, [2]int{20000, 20000}, place(t, table, "b"))
	require.Equal(t, [2]int{20001, 20001}, place(t, table, "a"))
	require.Equal(t, [2]int{20000, 20000}, place(t, table, "b"), "a broker keeps its port")

	listen, _, err := table.Place(route.BrokerID{Name: "b", ID: 1})
	require.NoError(t, err)
	require.Equal(t, 20002, listen, "a slave has a port of its own")
	want := ports(named{"b": 20000, "a": 20001})
	want[route.BrokerID{Name: "b", ID: 1}] = 20002
	require.Equal(t, want, table.Entries())

	// What was saved comes back the same, whatever the order in which brokers are seen.
	again, err := route.NewPortTable(route.PortOptions{Listen: route.PortRange{First: 20000, Last: 20009}}, table.Entries())
	require.NoError(t, err)
	require.Equal(t, [2]int{20003, 20003}, place(t, again, "new"))
	require.Equal(t, [2]int{20001, 20001}, place(t, again, "a"))
	require.Equal(t, [2]int{20000, 20000}, place(t, again, "b"))
	delete(again.Entries(), route.BrokerID{Name: "a"})
	require.Len(t, again.Entries(), 4, "Entries is a copy")
}

func TestPortTableFixedWins(t *testing.T) {
	o := route.PortOptions{Listen: route.PortRange{First: 20000, Last: 20009}, Fixed: ports(named{"a": 20000, "far": 31000})}
	table := newTable(t, o, named{
		"a":       20005, // fixed elsewhere
		"thief":   20000, // its port is fixed for another broker
		"outside": 19999,
		"zero":    0,
		"good":    20003,
		"twin1":   20007, // two of one port: only the first by name keeps it
		"twin2":   20007,
	})
	require.Equal(t, ports(named{"a": 20000, "far": 31000, "good": 20003, "twin1": 20007}), table.Entries())
	require.Equal(t, [2]int{20000, 20000}, place(t, table, "a"))
	require.Equal(t, [2]int{31000, 31000}, place(t, table, "far"))
	require.Equal(t, [2]int{20003, 20003}, place(t, table, "good"))
	require.Equal(t, [2]int{20001, 20001}, place(t, table, "thief"))
	require.Equal(t, [2]int{20002, 20002}, place(t, table, "outside"))
	require.Equal(t, [2]int{20004, 20004}, place(t, table, "zero"))
	require.Equal(t, [2]int{20006, 20006}, place(t, table, "twin2"), "20005 was broker a's: clients may still know it")
}

func TestPortTableAdvertise(t *testing.T) {
	o := route.PortOptions{
		Listen: route.PortRange{First: 20000, Last: 20009}, Advertise: route.PortRange{First: 30000, Last: 30009},
		Fixed: ports(named{"a": 20004, "far": 20100}),
	}
	table := newTable(t, o, nil)
	require.Equal(t, [2]int{20000, 30000}, place(t, table, "x"))
	require.Equal(t, [2]int{20004, 30004}, place(t, table, "a"))
	require.Equal(t, [2]int{20100, 30100}, place(t, table, "far"))
}

func TestPortTableVIP(t *testing.T) {
	o := route.PortOptions{Listen: route.PortRange{First: 20000, Last: 20010}, VIP: true, Fixed: ports(named{"fixed": 20006})}
	table := newTable(t, o, nil)
	require.Equal(t, [2]int{20000, 20000}, place(t, table, "a"))
	require.Equal(t, [2]int{20001, 20001}, place(t, table, "b"))
	require.Equal(t, [2]int{20005, 20005}, place(t, table, "c"), "20004 is the VIP port of the fixed one")
	require.Equal(t, [2]int{20009, 20009}, place(t, table, "d"), "the VIP port of 20008 would be the fixed one")
	_, _, err := table.Place(route.BrokerID{Name: "e"})
	require.Error(t, err)
	requireNoVIPClash(t, table)

	// A table that was saved while the VIP channel was off: what excludes each other is not kept, the lower port stays.
	o.Fixed = nil
	table = newTable(t, o, named{"a": 20000, "b": 20001, "c": 20002, "d": 20003, "e": 20006})
	require.Equal(t, ports(named{"a": 20000, "b": 20001, "e": 20006}), table.Entries())
	require.Equal(t, [2]int{20009, 20009}, place(t, table, "c"), "20004 and 20005 are near the old ports of c and d, 20008 near e")
	requireNoVIPClash(t, table)
}

func requireNoVIPClash(t *testing.T, table *route.PortTable) {
	t.Helper()
	taken := make(map[int]route.BrokerID)
	for b, port := range table.Entries() {
		taken[port] = b
	}
	for port, b := range taken {
		require.NotContains(t, taken, port-2, "the VIP port of %s belongs to another broker", b)
	}
}

func TestPortTableRangeFull(t *testing.T) {
	f := func(o route.PortOptions, places int, want string) {
		t.Helper()
		table := newTable(t, o, nil)
		for i := range places {
			place(t, table, fmt.Sprint(i))
		}
		for range 2 {
			_, _, err := table.Place(route.BrokerID{Name: "one-more", ID: 3})
			full := new(route.RangeFullError)
			require.ErrorAs(t, err, &full)
			require.Equal(t, places, full.Places)
			require.EqualError(t, err, want)
		}
		require.Len(t, table.Entries(), places)
		require.Equal(t, o.Listen.First, place(t, table, "0")[0], "who is in stays in")
	}
	f(route.PortOptions{Listen: route.PortRange{First: 20000, Last: 20002}}, 3,
		"no port is left for broker one-more/3: the range 20000-20002 has 3 places and all are taken; widen listener.broker_ports")
	f(route.PortOptions{Listen: route.PortRange{First: 20000, Last: 20009}, VIP: true}, 6,
		"no port is left for broker one-more/3: the range 20000-20009 has 6 places and all are taken; widen listener.broker_ports, or set vip_channel = false, which doubles the places")
}

func TestPortTableAnyFreePort(t *testing.T) {
	a, b := route.BrokerID{Name: "a"}, route.BrokerID{Name: "b"}
	table := newTable(t, route.PortOptions{Fixed: ports(named{"fixed": 20000})}, named{"saved": 40000})
	require.Equal(t, [2]int{0, 0}, place(t, table, "a"))
	require.Equal(t, [2]int{20000, 20000}, place(t, table, "fixed"))
	require.Equal(t, [2]int{40000, 40000}, place(t, table, "saved"))
	table.Bind(a, 41000)
	require.Equal(t, [2]int{41000, 41000}, place(t, table, "a"))
	table.Bind(a, 41000)
	require.Equal(t, ports(named{"a": 41000, "fixed": 20000, "saved": 40000}), table.Entries())

	// A saved port could not be opened again and the system gave another.
	table.Bind(route.BrokerID{Name: "saved"}, 42000)
	require.Equal(t, [2]int{42000, 42000}, place(t, table, "saved"))

	// The system gave b what was saved for a: the socket decides, and a is asked about again.
	table.Bind(b, 41000)
	require.Equal(t, [2]int{41000, 41000}, place(t, table, "b"))
	require.Equal(t, [2]int{0, 0}, place(t, table, "a"))
}

// Clients may still know a broker by the port that it had: nobody else gets it.
func TestPortTableKeepsAPortThatABrokerHad(t *testing.T) {
	table := newTable(t, route.PortOptions{Listen: route.PortRange{First: 20000, Last: 20003}}, named{"saved": 20000})
	table.Bind(route.BrokerID{Name: "saved"}, 20002) // 20000 could not be opened again
	require.Equal(t, [2]int{20002, 20002}, place(t, table, "saved"))
	require.Equal(t, 20001, place(t, table, "a")[0])
	require.Equal(t, 20003, place(t, table, "b")[0])
	_, _, err := table.Place(route.BrokerID{Name: "c"})
	require.IsType(t, (*route.RangeFullError)(nil), err)
}

func TestNewPortTableFailure(t *testing.T) {
	r := func(first, last int) route.PortRange { return route.PortRange{First: first, Last: last} }
	f := func(o route.PortOptions, want string) {
		t.Helper()
		_, err := route.NewPortTable(o, nil)
		require.ErrorContains(t, err, want)
	}
	f(route.PortOptions{Listen: r(2, 1)}, "cannot use listener.broker_ports: must be a range of ports between 1 and 65535")
	f(route.PortOptions{Listen: r(0, 10)}, "must be a range of ports")
	f(route.PortOptions{Listen: r(65000, 65536)}, "must be a range of ports")
	f(route.PortOptions{Listen: r(1, 10), Advertise: r(5, 4)}, "cannot use listener.advertise_ports: must be a range of ports")
	f(route.PortOptions{Listen: r(1, 10), Advertise: r(101, 111)}, "as long as")
	f(route.PortOptions{Advertise: r(101, 111)}, "as long as")
	f(route.PortOptions{Listen: r(2, 10), VIP: true}, "VIP")
	f(route.PortOptions{Listen: r(20, 28), Advertise: r(2, 10), VIP: true}, "VIP")
	f(route.PortOptions{Fixed: ports(named{"a": 0})}, "from 1 to 65535")
	f(route.PortOptions{Fixed: ports(named{"a": 65536})}, "from 1 to 65535")
	f(route.PortOptions{Fixed: ports(named{"a": 2}), VIP: true}, "from 3 to 65535")
	f(route.PortOptions{Listen: r(100, 109), Advertise: r(10, 19), Fixed: ports(named{"a": 90})}, "advertised as 0")
	f(route.PortOptions{Fixed: ports(named{"a": 7, "b": 7})}, "is the port of a/0 already")
	f(route.PortOptions{Fixed: ports(named{"a": 7, "b": 9}), VIP: true}, "two ports below it and would reach a/0")
}

// All problems of fixed ports come at once.
func TestPortProblemsAtOnce(t *testing.T) {
	o := route.PortOptions{Fixed: ports(named{"a": 0, "b": 7, "c": 7, "d": 9}), VIP: true}
	var brokers []string
	for _, p := range o.Problems() {
		brokers = append(brokers, p.Broker.Name)
	}
	require.Equal(t, []string{"a", "c", "d"}, brokers)
}

// A listener opens its places, its fixed ports, and what lies two below each of them when the VIP channel is on.
func TestPortOptionsOpens(t *testing.T) {
	f := func(o route.PortOptions, want ...int) {
		t.Helper()
		var got []int
		for port := 1; port <= 65535; port++ {
			if o.Opens(port) {
				got = append(got, port)
			}
		}
		require.Equal(t, want, got)
	}
	r := route.PortRange{First: 20000, Last: 20005}
	f(route.PortOptions{Listen: r}, 20000, 20001, 20002, 20003, 20004, 20005)
	f(route.PortOptions{Listen: r, VIP: true}, 19998, 19999, 20000, 20001, 20002, 20003, 20004, 20005)
	f(route.PortOptions{Listen: route.PortRange{First: 20000, Last: 20003}, VIP: true}, 19998, 19999, 20000, 20001)
	f(route.PortOptions{Fixed: ports(named{"a": 30000}), VIP: true}, 29998, 30000)
	f(route.PortOptions{})
}
