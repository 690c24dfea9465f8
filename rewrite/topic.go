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
	r := b.topicRoute()
	if err := b.err(); err != nil {
		return route.Topic{}, err
	}
	writable := map[string]bool{}
	for _, q := range r.queues {
		writable[q.broker] = writable[q.broker] || b.integer(q.perm)&permWrite != 0 && q.writes > 0
	}
	t := route.Topic{Logical: logicalQueues(r.mappings)}
	for _, d := range r.brokers {
		t.Brokers = append(t.Brokers, route.TopicBroker{Name: d.name, Writable: writable[d.name]})
	}
	slices.SortFunc(t.Brokers, func(a, b route.TopicBroker) int { return cmp.Compare(a.Name, b.Name) })
	t.Brokers = slices.Compact(t.Brokers)
	return t, nil
}

// permWrite is the bit of a queue's perm that lets producers write (PermName.java#PERM_WRITE).
const permWrite = 2

// queueMapping is what one broker says of the queues of a static topic that it has (TopicQueueMappingInfo.java).
type queueMapping struct {
	broker, scope string
	epoch         int64
	queues        []int32 // logical ids
}

// queueMappings takes the mappings of a static topic by broker name. In each, currIdMap maps logical to physical
// queue ids (TopicQueueMappingInfo.java#currIdMap, Integer to Integer).
func (b *body) queueMappings() (list []queueMapping) {
	for range b.members() {
		m := queueMapping{}
		for _, key := range b.members() {
			switch string(b.Contents(key)) {
			case "bname":
				m.broker = b.text()
			case "scope":
				m.scope = b.text()
			case "epoch":
				m.epoch = b.integer(b.Value())
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
		b.integerKeys = append(b.integerKeys, key)
		if n, err := strconv.ParseInt(string(b.Contents(key)), 10, 32); err == nil {
			ids = append(ids, int32(n))
		}
		b.Value()
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
	const global = "__global__"
	if scope == global {
		scope = strings.TrimPrefix(global, "__")
	}
	return route.LogicalPrefix + scope
}
