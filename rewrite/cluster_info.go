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
	b := newBody(body, "cluster")
	info := b.clusterInfo()
	if err := b.err(); err != nil {
		return nil, err
	}
	return brokers(info.brokers), nil
}

// ClusterInfo returns a copy of a 106 body with the brokers' addresses replaced by their places. A broker of which
// no process has a place is left out, also of the lists of its cluster. Name servers
// answer 106 in the unquoted dialect, whatever the client's version (executed with 5.5.0).
func ClusterInfo(body []byte, place Place) ([]byte, error) {
	b := newBody(body, "cluster")
	info := b.clusterInfo()
	if err := b.err(); err != nil {
		return nil, err
	}
	var e edits
	shown := e.place(info.brokers, place)
	for _, names := range info.clusters {
		e.drop(references, len(names), func(i int) span { return names[i].item }, func(i int) bool { return shown.some(names[i].broker) })
	}
	e.keys(b, Unquoted)
	return e.apply(body), nil
}

func (b *body) clusterInfo() (info clusterInfo) {
	seen := uint(0)
	for _, key := range b.Members() {
		switch string(b.Contents(key)) {
		case "brokerAddrTable":
			b.once(&seen, 0, key)
			info.brokers = b.brokerTable()
		case "clusterAddrTable":
			b.once(&seen, 1, key)
			info.clusters = b.clusterTable()
		default:
			b.Value()
		}
	}
	b.End()
	return info
}

// brokerTable takes the table of brokers by name. The key is the name: clients look brokers up by it.
func (b *body) brokerTable() (list []brokerData) {
	for from, key := range b.members() {
		name := string(b.Contents(key))
		d := b.brokerData()
		d.name, d.item = name, span{from, b.end()}
		list = append(list, d)
	}
	return list
}

func (b *body) clusterTable() (lists [][]clusterMember) {
	for range b.members() {
		var names []clusterMember
		for from := range b.elements() {
			_, name := b.string()
			names = append(names, clusterMember{name, span{from, b.end()}})
		}
		lists = append(lists, names)
	}
	return lists
}
