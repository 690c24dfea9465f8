package rewrite

import (
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// brokerData is one BrokerData (BrokerData.java) of a body and where it stands:
//
//	{"brokerAddrs":{0:"10.0.0.1:10911"},"brokerName":"broker-a","cluster":"DefaultCluster",…}
type brokerData struct {
	name, cluster string
	addrs         []brokerAddr
	item          span
}

// brokerAddr is one broker process of a brokerData.
type brokerAddr struct {
	id    int64
	addr  string // "" cannot be dialled; such a process is as good as not there
	value token
	item  span
}

// once refuses a second key of the same meaning: JSON libraries differ in which of the two they take.
func (c *cursor) once(seen *uint, bit uint, key token) {
	if *seen&(1<<bit) != 0 {
		c.fail("key %.40q twice", c.text(key))
	}
	*seen |= 1 << bit
}

// null takes a null, if there is one: fastjson leaves nulls out, others write them.
func (c *cursor) null() bool {
	if c.peek() != 'n' {
		return false
	}
	return c.value().kind == 'n'
}

// string takes a string, or null for "".
func (c *cursor) string() (token, string) {
	t := c.value()
	switch {
	case c.err != nil || t.kind == 'n':
		return t, ""
	case t.kind != '"':
		c.fail("a value that is no string")
		return t, ""
	}
	return t, string(c.text(t))
}

func (c *cursor) brokerData() (d brokerData) {
	seen := uint(0)
	for _, key := range c.members() {
		switch string(c.text(key)) {
		case "brokerAddrs":
			c.once(&seen, 0, key)
			d.addrs = c.brokerAddrs()
		case "brokerName":
			c.once(&seen, 1, key)
			_, d.name = c.string()
		case "cluster":
			c.once(&seen, 2, key)
			_, d.cluster = c.string()
		default:
			c.value()
		}
	}
	return d
}

func (c *cursor) brokerAddrs() (addrs []brokerAddr) {
	if c.null() {
		return nil
	}
	for from, key := range c.members() {
		id, err := strconv.ParseInt(string(c.text(key)), 10, 64)
		if err != nil {
			c.fail("broker id %.20q, which is no integer,", c.text(key))
		}
		c.integerKeys = append(c.integerKeys, key)
		value, addr := c.string()
		addrs = append(addrs, brokerAddr{id, addr, value, span{from, c.end()}})
	}
	return addrs
}

// brokers lists the processes that can be dialled.
func brokers(datas []brokerData) []route.Broker {
	var list []route.Broker
	for _, d := range datas {
		for _, a := range d.addrs {
			if a.addr != "" {
				list = append(list, route.Broker{BrokerID: route.BrokerID{Name: d.name, ID: a.id}, Cluster: d.cluster, Address: a.addr})
			}
		}
	}
	return list
}

// place puts the places of all brokers into e and leaves out the processes and then the brokers that have none. It
// returns the names that are gone with them. An id is never renumbered: clients would take a slave for a master.
func (e *edits) place(datas []brokerData, place Place) (gone map[string]bool) {
	kept := make([]bool, len(datas))
	gone = make(map[string]bool)
	for i, d := range datas {
		if kept[i] = e.placeOne(d, place); !kept[i] {
			gone[d.name] = true
		}
	}
	for i, d := range datas {
		if kept[i] {
			delete(gone, d.name)
		}
	}
	e.drop(len(datas), func(i int) span { return datas[i].item }, func(i int) bool { return kept[i] })
	return gone
}

func (e *edits) placeOne(d brokerData, place Place) (any bool) {
	kept := make([]bool, len(d.addrs))
	for i, a := range d.addrs {
		if a.addr == "" {
			continue
		}
		addr, ok := place(route.BrokerID{Name: d.name, ID: a.id})
		if ok {
			e.address(a.value, addr)
			kept[i], any = true, true
		}
	}
	if any {
		e.drop(len(d.addrs), func(i int) span { return d.addrs[i].item }, func(i int) bool { return kept[i] })
	}
	return any
}
