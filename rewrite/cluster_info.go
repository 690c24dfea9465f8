package rewrite

import "github.com/rocketmq-proxy/rocketmq-proxy/route"

// clusterInfo is what of a 106 body (ClusterInfo.java) may change, and where it stands.
type clusterInfo struct {
	brokers  []brokerData
	clusters [][]clusterMember // one list of broker names per RocketMQ cluster
}

type clusterMember struct {
	broker string
	item   span
}

// ClusterBrokers lists the broker processes of a 106 body. Those with an empty address are left out.
func ClusterBrokers(body []byte) ([]route.Broker, error) {
	c := cursor{b: body, body: "cluster"}
	info := c.clusterInfo()
	if c.err != nil {
		return nil, c.err
	}
	return brokers(info.brokers), nil
}

// ClusterInfo returns a copy of a 106 body with the brokers' addresses replaced by their places. A broker of which
// no process has a place is left out, also of the lists of its cluster. The answer to 106 is in the unquoted dialect
// whatever the client's version (VERIFIED 3.1).
func ClusterInfo(body []byte, place Place) ([]byte, error) {
	c := cursor{b: body, body: "cluster"}
	info := c.clusterInfo()
	if c.err != nil {
		return nil, c.err
	}
	var e edits
	gone := e.place(info.brokers, place)
	for _, names := range info.clusters {
		e.drop(len(names), func(i int) span { return names[i].item }, func(i int) bool { return !gone[names[i].broker] })
	}
	e.keys(&c, Unquoted)
	return e.apply(body), nil
}

func (c *cursor) clusterInfo() (info clusterInfo) {
	seen := uint(0)
	for _, key := range c.members() {
		switch string(c.text(key)) {
		case "brokerAddrTable":
			c.once(&seen, 0, key)
			info.brokers = c.brokerTable()
		case "clusterAddrTable":
			c.once(&seen, 1, key)
			info.clusters = c.clusterTable()
		default:
			c.value()
		}
	}
	c.done()
	return info
}

// brokerTable takes the table of brokers by name. The key is the name: clients look brokers up by it.
func (c *cursor) brokerTable() (list []brokerData) {
	if c.null() {
		return nil
	}
	for from, key := range c.members() {
		name := string(c.text(key))
		d := brokerData{}
		if !c.null() {
			d = c.brokerData()
		}
		d.name, d.item = name, span{from, c.end()}
		list = append(list, d)
	}
	return list
}

func (c *cursor) clusterTable() (lists [][]clusterMember) {
	if c.null() {
		return nil
	}
	for range c.members() {
		var names []clusterMember
		if !c.null() {
			for from := range c.elements() {
				_, name := c.string()
				names = append(names, clusterMember{name, span{from, c.end()}})
			}
		}
		lists = append(lists, names)
	}
	return lists
}
