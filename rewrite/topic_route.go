package rewrite

import "github.com/rocketmq-proxy/rocketmq-proxy/route"

// Place says where clients reach a broker process: the advertised "host:port", or "[v6]:port". Without ok the
// process has no place on this listener and is left out of what clients are told.
type Place func(route.BrokerID) (addr string, ok bool)

// topicRoute is what of a 105 body (TopicRouteData.java) may change, and where it stands.
type topicRoute struct {
	brokers []brokerData
	queues  []queueData
}

// queueData is one QueueData: how many queues a broker has of the topic.
type queueData struct {
	broker string
	item   span
}

// TopicRouteBrokers lists the broker processes of a 105 body of either dialect. Those with an empty address are
// left out.
func TopicRouteBrokers(body []byte) ([]route.Broker, error) {
	b := newBody(body, "topic route")
	r := b.topicRoute()
	if err := b.err(); err != nil {
		return nil, err
	}
	return brokers(r.brokers), nil
}

// TopicRoute returns a copy of a 105 body of either dialect, in dialect d, with the brokers' addresses
// replaced by their places. A broker of which no process has a place is left out together with its queues.
func TopicRoute(body []byte, d Dialect, place Place) ([]byte, error) {
	b := newBody(body, "topic route")
	r := b.topicRoute()
	if err := b.err(); err != nil {
		return nil, err
	}
	var e edits
	gone := e.place(r.brokers, place)
	e.drop(references, len(r.queues), func(i int) span { return r.queues[i].item }, func(i int) bool { return !gone[r.queues[i].broker] })
	e.keys(b, d)
	return e.apply(body), nil
}

func (b *body) topicRoute() (r topicRoute) {
	seen := uint(0)
	for _, key := range b.Members() {
		switch string(b.Contents(key)) {
		case "brokerDatas":
			b.once(&seen, 0, key)
			r.brokers = b.brokerDatas()
		case "queueDatas":
			b.once(&seen, 1, key)
			r.queues = b.queueDatas()
		case "topicQueueMappingByBroker":
			b.once(&seen, 2, key)
			b.queueMappings()
		default:
			b.Value()
		}
	}
	b.End()
	return r
}

func (b *body) brokerDatas() (list []brokerData) {
	for from := range b.elements() {
		d := b.brokerData()
		if d.name == "" {
			b.Fail("a broker without a name")
		}
		d.item = span{from, b.end()}
		list = append(list, d)
	}
	return list
}

func (b *body) queueDatas() (list []queueData) {
	for from := range b.elements() {
		q := queueData{}
		seen := uint(0)
		for _, key := range b.members() {
			if string(b.Contents(key)) == "brokerName" {
				b.once(&seen, 0, key)
				_, q.broker = b.string()
			} else {
				b.Value()
			}
		}
		q.item = span{from, b.end()}
		list = append(list, q)
	}
	return list
}

// queueMappings takes the mappings of a static topic by broker name. In each, currIdMap maps logical to physical
// queue ids (TopicQueueMappingInfo.java#currIdMap, Integer to Integer).
func (b *body) queueMappings() {
	for range b.members() {
		for _, key := range b.members() {
			if string(b.Contents(key)) == "currIdMap" {
				b.integerMap()
			} else {
				b.Value()
			}
		}
	}
}

func (b *body) integerMap() {
	for _, key := range b.members() {
		b.integerKeys = append(b.integerKeys, key)
		b.Value()
	}
}
