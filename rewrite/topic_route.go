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
	c := cursor{b: body, body: "topic route"}
	r := c.topicRoute()
	if c.err != nil {
		return nil, c.err
	}
	return brokers(r.brokers), nil
}

// TopicRoute returns a copy of a 105 body of either dialect, in dialect d, with the brokers' addresses
// replaced by their places. A broker of which no process has a place is left out together with its queues.
func TopicRoute(body []byte, d Dialect, place Place) ([]byte, error) {
	c := cursor{b: body, body: "topic route"}
	r := c.topicRoute()
	if c.err != nil {
		return nil, c.err
	}
	var e edits
	gone := e.place(r.brokers, place)
	e.drop(len(r.queues), func(i int) span { return r.queues[i].item }, func(i int) bool { return !gone[r.queues[i].broker] })
	e.keys(&c, d)
	return e.apply(body), nil
}

func (c *cursor) topicRoute() (r topicRoute) {
	seen := uint(0)
	for _, key := range c.members() {
		switch string(c.text(key)) {
		case "brokerDatas":
			c.once(&seen, 0, key)
			r.brokers = c.brokerDatas()
		case "queueDatas":
			c.once(&seen, 1, key)
			r.queues = c.queueDatas()
		case "topicQueueMappingByBroker":
			c.once(&seen, 2, key)
			c.queueMappings()
		default:
			c.value()
		}
	}
	c.done()
	return r
}

// done refuses bytes behind the body's object.
func (c *cursor) done() {
	if c.err == nil && c.end() != len(c.b) {
		c.fail("bytes behind the object")
	}
}

func (c *cursor) brokerDatas() (list []brokerData) {
	if c.null() {
		return nil
	}
	for from := range c.elements() {
		d := c.brokerData()
		if d.name == "" {
			c.fail("a broker without a name")
		}
		d.item = span{from, c.end()}
		list = append(list, d)
	}
	return list
}

func (c *cursor) queueDatas() (list []queueData) {
	if c.null() {
		return nil
	}
	for from := range c.elements() {
		q := queueData{}
		seen := uint(0)
		for _, key := range c.members() {
			if string(c.text(key)) == "brokerName" {
				c.once(&seen, 0, key)
				_, q.broker = c.string()
			} else {
				c.value()
			}
		}
		q.item = span{from, c.end()}
		list = append(list, q)
	}
	return list
}

// queueMappings takes the mappings of a static topic by broker name. In each, currIdMap maps logical to physical
// queue ids (TopicQueueMappingInfo.java#currIdMap, Integer to Integer).
func (c *cursor) queueMappings() {
	if c.null() {
		return
	}
	for range c.members() {
		if c.null() {
			continue
		}
		for _, key := range c.members() {
			if string(c.text(key)) == "currIdMap" {
				c.integerMap()
			} else {
				c.value()
			}
		}
	}
}

func (c *cursor) integerMap() {
	if c.null() {
		return
	}
	for _, key := range c.members() {
		c.integerKeys = append(c.integerKeys, key)
		c.value()
	}
}
