package rewrite

import (
	"encoding/json"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// The bodies that name servers would answer with, made of a cluster that has none (route.Static). They are in the quoted
// dialect with the brokers' own addresses, as if they had come from a name server: what clients get is made of them by
// [TopicRoute] and [ClusterInfo]. Keys are in the order of fastjson's, as far as anybody could see a difference.

type staticBrokerData struct {
	Addrs        map[string]string `json:"brokerAddrs"`
	Name         string            `json:"brokerName"`
	Cluster      string            `json:"cluster"`
	ActingMaster bool              `json:"enableActingMaster"`
}

type staticQueueData struct {
	Broker      string `json:"brokerName"`
	Perm        int    `json:"perm"`
	ReadQueues  int    `json:"readQueueNums"`
	SysFlag     int    `json:"topicSysFlag"`
	WriteQueues int    `json:"writeQueueNums"`
}

// StaticTopicRoute is the body of an answer to 105 (TopicRouteData.java).
func StaticTopicRoute(s *route.Static, topic string) []byte {
	lowest := s.Lowest()
	datas, names := staticBrokerDatas(s)
	list, queues := []*staticBrokerData{}, []staticQueueData{}
	for _, name := range names {
		b := lowest[name]
		read, write := b.Queues(topic)
		list = append(list, datas[name])
		queues = append(queues, staticQueueData{Broker: name, Perm: b.Perm, ReadQueues: read, WriteQueues: write})
	}
	return staticBody(struct {
		Brokers []*staticBrokerData `json:"brokerDatas"`
		Filters map[string]any      `json:"filterServerTable"`
		Queues  []staticQueueData   `json:"queueDatas"`
	}{list, map[string]any{}, queues})
}

// StaticClusterInfo is the body of an answer to 106 (ClusterInfo.java).
func StaticClusterInfo(s *route.Static) []byte {
	datas, names := staticBrokerDatas(s)
	clusters := map[string][]string{}
	for _, name := range names {
		clusters[datas[name].Cluster] = append(clusters[datas[name].Cluster], name)
	}
	return staticBody(struct {
		Brokers  map[string]*staticBrokerData `json:"brokerAddrTable"`
		Clusters map[string][]string          `json:"clusterAddrTable"`
	}{datas, clusters})
}

// TopicList is the body of an answer to 206 and 224 (TopicList.java).
func TopicList(topics []string) []byte {
	return staticBody(map[string][]string{"topicList": topics})
}

// staticBrokerDatas gathers the processes of each broker. The names come in the order of the configuration.
func staticBrokerDatas(s *route.Static) (datas map[string]*staticBrokerData, names []string) {
	datas = map[string]*staticBrokerData{}
	for _, b := range s.Brokers {
		d := datas[b.Name]
		if d == nil {
			d = &staticBrokerData{Addrs: map[string]string{}, Name: b.Name, Cluster: b.Cluster}
			datas[b.Name] = d
			names = append(names, b.Name)
		}
		d.Addrs[strconv.FormatInt(b.ID, 10)] = b.Address
	}
	return datas, names
}

func staticBody(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("BUG: cannot write a body as JSON: " + err.Error())
	}
	return text
}
