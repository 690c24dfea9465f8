package rewrite

import (
	"fmt"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec/jsonscan"
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
	addr  string // "" cannot be dialed; such a process is as good as not there
	value jsonscan.Token
	item  span
}

func (b *body) brokerData() (d brokerData) {
	seen := uint(0)
	for _, key := range b.members() {
		switch string(b.Contents(key)) {
		case "brokerAddrs":
			b.once(&seen, 0, key)
			d.addrs = b.brokerAddrs()
		case "brokerName":
			b.once(&seen, 1, key)
			_, d.name = b.string()
		case "cluster":
			b.once(&seen, 2, key)
			_, d.cluster = b.string()
		default:
			b.Value()
		}
	}
	return d
}

func (b *body) brokerAddrs() (addrs []brokerAddr) {
	for from, key := range b.members() {
		id, err := strconv.ParseInt(string(b.Contents(key)), 10, 64)
		if err != nil {
			b.Fail(fmt.Sprintf("the broker id %.20q, which is not an integer", b.Contents(key)))
		}
		b.integerKeys = append(b.integerKeys, key)
		value, addr := b.string()
		addrs = append(addrs, brokerAddr{id, addr, value, span{from, b.end()}})
	}
	return addrs
}

// brokers lists the processes that can be dialed.
func brokers(datas []brokerData) []route.Broker {
	var list []route.Broker
	for _, d := range datas {
		for _, a := range d.addrs {
			if a.addr != "" {
				list = append(list, route.Broker{BrokerID: route.BrokerID{Name: d.name, ID: a.id}, Cluster: d.cluster, Address: route.DialAddress(a.addr)})
			}
		}
	}
	return list
}

// shown is how much of each broker that a body names clients are shown, by its name.
type shown map[string]route.Show

// some reports whether a broker is shown in some way. One that the body names without saying where it is stays.
func (s shown) some(broker string) bool {
	show, known := s[broker]
	return !known || show != route.ShowNothing
}

// place puts the places of all brokers into e and leaves out the processes and then the brokers that have none. An id is never
// renumbered: clients would take a slave for a master.
func (e *edits) place(datas []brokerData, place Place) shown {
	kept := make([]bool, len(datas))
	all := shown{}
	for i, d := range datas {
		show := e.placeOne(d, place)
		kept[i] = show != route.ShowNothing
		if before, known := all[d.name]; !known || show < before {
			all[d.name] = show
		}
	}
	e.drop(brokerItems, len(datas), func(i int) span { return datas[i].item }, func(i int) bool { return kept[i] })
	return all
}

// placeOne returns how much is shown of one broker: as much as of any of its processes.
func (e *edits) placeOne(d brokerData, place Place) route.Show {
	kept := make([]bool, len(d.addrs))
	most := route.ShowNothing
	for i, a := range d.addrs {
		if a.addr == "" {
			continue
		}
		addr, show := place(route.BrokerID{Name: d.name, ID: a.id})
		if show != route.ShowNothing {
			e.address(a.value, addr)
			kept[i], most = true, min(most, show)
		}
	}
	if most != route.ShowNothing {
		e.drop(processes, len(d.addrs), func(i int) span { return d.addrs[i].item }, func(i int) bool { return kept[i] })
	}
	return most
}
