package rewrite

import (
	"strconv"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec/jsonscan"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// Place says where clients reach a broker process, as the advertised "host:port" or "[v6]:port", and how much of it they are
// shown. A process that has no place on this listener is shown with nothing: it is left out.
type Place func(route.BrokerID) (addr string, show route.Show)

// topicRoute is what of a 105 body (TopicRouteData.java) may change, and where it stands.
type topicRoute struct {
	brokers  []brokerData
	queues   []queueData
	mappings []queueMapping
	order    jsonscan.Token // orderTopicConf; of kind None if there is none
}

// queueData is one QueueData: how many queues a broker has of the topic.
type queueData struct {
	broker string
	perm   jsonscan.Token // of kind None if there is none
	writes int64          // queues that producers write to
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
// replaced by their places. A broker of which no process has a place is left out together with its queues. One that is shown
// read-only keeps its queues without the permission to write, and is left out of orderTopicConf, which is where producers of
// ordered topics take their queues from.
func TopicRoute(body []byte, d Dialect, place Place) ([]byte, error) {
	b := newBody(body, "topic route")
	r := b.topicRoute()
	if err := b.err(); err != nil {
		return nil, err
	}
	var e edits
	shown := e.place(r.brokers, place)
	e.drop(references, len(r.queues), func(i int) span { return r.queues[i].item }, func(i int) bool { return shown.some(r.queues[i].broker) })
	for _, q := range r.queues {
		if shown[q.broker] == route.ShowReadOnly {
			e.readOnly(b, q.perm)
		}
	}
	e.order(b, r.order, shown)
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
			r.mappings = b.queueMappings()
		case "orderTopicConf":
			b.once(&seen, 3, key)
			r.order, _ = b.string()
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
			switch string(b.Contents(key)) {
			case "brokerName":
				b.once(&seen, 0, key)
				_, q.broker = b.string()
			case "perm":
				b.once(&seen, 1, key)
				q.perm = b.Value()
			case "writeQueueNums":
				b.once(&seen, 2, key)
				q.writes = b.integer(b.Value())
			default:
				b.Value()
			}
		}
		q.item = span{from, b.end()}
		list = append(list, q)
	}
	return list
}

// readOnly takes the permission to write out of a value.
func (e *edits) readOnly(b *body, perm jsonscan.Token) {
	if n := b.integer(perm); n&permWrite != 0 {
		e.add(permissions, perm.From, perm.To, strconv.FormatInt(n&^permWrite, 10))
	}
}

// order leaves brokers that producers are not shown out of an orderTopicConf, "broker-a:4;broker-b:4".
func (e *edits) order(b *body, conf jsonscan.Token, shown shown) {
	if conf.Kind != jsonscan.String {
		return
	}
	var kept []string
	entries := strings.Split(string(b.Contents(conf)), ";")
	for _, entry := range entries {
		name, _, _ := strings.Cut(entry, ":")
		if show, known := shown[name]; !known || show == route.ShowAll {
			kept = append(kept, entry)
		}
	}
	if len(kept) < len(entries) {
		e.add(ordered, conf.From, conf.To, string(codec.AppendJSONString(nil, strings.Join(kept, ";"))))
	}
}
