package rewrite

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// Topic reads from a 105 body of either dialect which brokers have the topic, and which of them the queues of a static
// topic belong to.
func Topic(body []byte) (route.Topic, error) {
	b := newBody(body, "topic route")
	var t route.Topic
	writable := map[string]bool{}
	var mappings []queueMapping
	for _, key := range b.Members() {
		switch string(b.Contents(key)) {
		case "brokerDatas":
			for _, d := range b.brokerDatas() {
				t.Brokers = append(t.Brokers, route.TopicBroker{Name: d.name})
			}
		case "queueDatas":
			b.writableQueues(writable)
		case "topicQueueMappingByBroker":
			mappings = b.mappings()
		default:
			b.Value()
		}
	}
	if b.End(); b.Failed() {
		return route.Topic{}, b.err()
	}
	for i := range t.Brokers {
		t.Brokers[i].Writable = writable[t.Brokers[i].Name]
	}
	slices.SortFunc(t.Brokers, func(a, b route.TopicBroker) int { return cmp.Compare(a.Name, b.Name) })
	t.Brokers = slices.Compact(t.Brokers)
	t.Logical = logicalQueues(mappings)
	return t, nil
}

// permWrite is the bit of a queue's perm that lets producers write (PermName.java#PERM_WRITE).
const permWrite = 2

func (b *body) writableQueues(writable map[string]bool) {
	for range b.elements() {
		name, perm, queues := "", int64(0), int64(0)
		for _, key := range b.members() {
			switch string(b.Contents(key)) {
			case "brokerName":
				_, name = b.string()
			case "perm":
				perm = b.integer()
			case "writeQueueNums":
				queues = b.integer()
			default:
				b.Value()
			}
		}
		if perm&permWrite != 0 && queues > 0 {
			writable[name] = true
		}
	}
}

// integer is the next value, 0 if it is none.
func (b *body) integer() int64 {
	n, _ := strconv.ParseInt(string(b.Contents(b.Value())), 10, 64)
	return n
}

// queueMapping is what one broker says of the queues of a static topic that it has (TopicQueueMappingInfo.java).
type queueMapping struct {
	broker, scope string
	epoch         int64
	queues        []int32 // logical ids
}

func (b *body) mappings() (list []queueMapping) {
	for range b.members() {
		m := queueMapping{}
		for _, key := range b.members() {
			switch string(b.Contents(key)) {
			case "bname":
				_, m.broker = b.string()
			case "scope":
				_, m.scope = b.string()
			case "epoch":
				m.epoch = b.integer()
			case "currIdMap":
				m.queues = b.logicalIDs()
			default:
				b.Value()
			}
		}
		list = append(list, m)
	}
	return list
}

func (b *body) logicalIDs() (ids []int32) {
	for _, key := range b.members() {
		b.Value()
		if n, err := strconv.ParseInt(string(b.Contents(key)), 10, 32); err == nil {
			ids = append(ids, int32(n))
		}
	}
	return ids
}

// logicalQueues joins what several brokers say: of two that have a queue the later epoch counts
// (MQClientInstance.java#topicRouteData2EndpointsForStaticTopic).
func logicalQueues(mappings []queueMapping) map[route.LogicalQueue]string {
	if len(mappings) == 0 {
		return nil
	}
	slices.SortStableFunc(mappings, func(a, b queueMapping) int { return cmp.Compare(a.epoch, b.epoch) })
	queues := map[route.LogicalQueue]string{}
	for _, m := range mappings {
		for _, id := range m.queues {
			queues[route.LogicalQueue{Broker: logicalName(m.scope), Queue: id}] = m.broker
		}
	}
	return queues
}

// logicalName is what clients call the broker of a static topic's queues (TopicQueueMappingUtils.java#getMockBrokerName).
func logicalName(scope string) string {
	const prefix, global = "__syslo__", "__global__"
	if scope == global {
		return prefix + strings.TrimPrefix(global, "__")
	}
	return prefix + scope
}
