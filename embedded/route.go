package embedded

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// route is where a topic lives.
type route struct {
	queues  []queueData
	brokers []brokerData
	order   string // orderTopicConf, "" for none
}

type queueData struct {
	broker      string
	read, write int
	perm        int
	sysFlag     int
}

type brokerData struct {
	cluster, name string
	addrs         map[int64]string
}

// route looks a topic up; nil when no living broker has it.
func (g *registry) route(topic string) *route {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := &route{order: g.kv["ORDER_TOPIC_CONFIG"][topic]}
	for name, t := range g.topics[topic] {
		if g.addrs[name] == nil {
			continue
		}
		if g.wiped[name] {
			t.Perm &^= PermWrite
		}
		r.queues = append(r.queues, queueData{name, t.ReadQueues, t.WriteQueues, t.Perm, t.SysFlag})
		r.brokers = append(r.brokers, brokerData{g.cluster, name, maps.Clone(g.addrs[name])})
	}
	if len(r.queues) == 0 {
		return nil
	}
	slices.SortFunc(r.queues, func(a, b queueData) int { return cmp.Compare(a.broker, b.broker) })
	slices.SortFunc(r.brokers, func(a, b brokerData) int { return cmp.Compare(a.name, b.name) })
	return r
}

// appendJSON writes TopicRouteData with its keys sorted as fastjson does. Ids are quoted in the standard dialect only.
func (r *route) appendJSON(dst []byte, standard bool) []byte {
	dst = append(dst, `{"brokerDatas":[`...)
	for i, b := range r.brokers {
		dst = appendComma(dst, i)
		dst = b.appendJSON(dst, standard)
	}
	dst = append(dst, `],"filterServerTable":{}`...)
	if r.order != "" {
		dst = codec.AppendJSONString(append(dst, `,"orderTopicConf":`...), r.order)
	}
	dst = append(dst, `,"queueDatas":[`...)
	for i, q := range r.queues {
		dst = appendComma(dst, i)
		dst = codec.AppendJSONString(append(dst, `{"brokerName":`...), q.broker)
		dst = strconv.AppendInt(append(dst, `,"perm":`...), int64(q.perm), 10)
		dst = strconv.AppendInt(append(dst, `,"readQueueNums":`...), int64(q.read), 10)
		dst = strconv.AppendInt(append(dst, `,"topicSysFlag":`...), int64(q.sysFlag), 10)
		dst = strconv.AppendInt(append(dst, `,"writeQueueNums":`...), int64(q.write), 10)
		dst = append(dst, '}')
	}
	return append(dst, `]}`...)
}

func (b brokerData) appendJSON(dst []byte, standard bool) []byte {
	dst = append(dst, `{"brokerAddrs":{`...)
	for i, id := range slices.Sorted(maps.Keys(b.addrs)) {
		dst = appendComma(dst, i)
		if standard {
			dst = append(strconv.AppendInt(append(dst, '"'), id, 10), '"')
		} else {
			dst = strconv.AppendInt(dst, id, 10)
		}
		dst = codec.AppendJSONString(append(dst, ':'), b.addrs[id])
	}
	dst = codec.AppendJSONString(append(dst, `},"brokerName":`...), b.name)
	dst = codec.AppendJSONString(append(dst, `,"cluster":`...), b.cluster)
	return append(dst, `,"enableActingMaster":false}`...)
}

// clusterInfo writes the body of 106, whose ids are never quoted.
func (g *registry) clusterInfo() []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	names := slices.Sorted(maps.Keys(g.addrs))
	dst := []byte(`{"brokerAddrTable":{`)
	for i, name := range names {
		dst = codec.AppendJSONString(appendComma(dst, i), name)
		dst = brokerData{g.cluster, name, g.addrs[name]}.appendJSON(append(dst, ':'), false)
	}
	dst = codec.AppendJSONString(append(dst, `},"clusterAddrTable":{`...), g.cluster)
	dst = append(dst, `:[`...)
	for i, name := range names {
		dst = codec.AppendJSONString(appendComma(dst, i), name)
	}
	return append(dst, `]}}`...)
}

func appendComma(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, ',')
	}
	return dst
}
