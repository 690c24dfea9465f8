package translate

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec/jsonscan"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// Route is what name servers say of a topic (TopicRouteData.java).
type Route struct {
	Queues  []QueueData // sorted by broker
	brokers map[string][]int64
	order   string // order_topic_conf
}

// QueueData is how many queues a broker has of the topic.
type QueueData struct {
	Broker            string
	Read, Write, Perm int
}

// Permissions of a topic on a broker (PermName.java).
const (
	permWrite = 2
	permRead  = 4
)

// maxQueues bounds what a broker may claim to have of a topic.
const maxQueues = 1 << 16

// ReadRoute reads the body of an answer to 105, in either of its dialects.
func ReadRoute(body []byte) (*Route, error) {
	s := jsonscan.Scanner{Text: body, Dialect: jsonscan.Lenient}
	r := &Route{brokers: map[string][]int64{}}
	for _, key := range s.Members() {
		switch {
		case s.Is(key, "brokerDatas") && !s.Null():
			for range s.Elements() {
				r.readBroker(&s)
			}
		case s.Is(key, "queueDatas") && !s.Null():
			for range s.Elements() {
				r.Queues = append(r.Queues, readQueueData(&s))
			}
		case s.Is(key, "brokerDatas"), s.Is(key, "queueDatas"): // null, which has been taken
		case s.Is(key, "orderTopicConf"):
			if v := s.Value(); v.Kind == jsonscan.String {
				r.order = string(s.Contents(v))
			}
		default:
			s.Value()
		}
	}
	s.End()
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("cannot read the topic's route: %w", err)
	}
	r.Queues = slices.DeleteFunc(r.Queues, func(q QueueData) bool { return r.brokers[q.Broker] == nil })
	slices.SortStableFunc(r.Queues, func(a, b QueueData) int { return strings.Compare(a.Broker, b.Broker) })
	return r, nil
}

func (r *Route) readBroker(s *jsonscan.Scanner) {
	name, ids := "", []int64{}
	for _, key := range s.Members() {
		switch {
		case s.Is(key, "brokerName"):
			name = string(s.Contents(s.Value()))
		case s.Is(key, "brokerAddrs") && !s.Null():
			for _, id := range s.Members() {
				n, err := strconv.ParseInt(string(s.Contents(id)), 10, 64)
				if v := s.Value(); err == nil && n >= 0 && len(s.Contents(v)) > 0 {
					ids = append(ids, n)
				}
			}
		case s.Is(key, "brokerAddrs"): // null, which has been taken
		default:
			s.Value()
		}
	}
	if name != "" && len(ids) > 0 {
		r.brokers[name] = ids
	}
}

func readQueueData(s *jsonscan.Scanner) (q QueueData) {
	number := func() int {
		n, err := strconv.Atoi(string(s.Contents(s.Value())))
		if err != nil || n < 0 || n > maxQueues {
			s.Fail("a number of queues or a permission that is out of range")
		}
		return n
	}
	for _, key := range s.Members() {
		switch {
		case s.Is(key, "brokerName"):
			q.Broker = string(s.Contents(s.Value()))
		case s.Is(key, "readQueueNums"):
			q.Read = number()
		case s.Is(key, "writeQueueNums"):
			q.Write = number()
		case s.Is(key, "perm"):
			q.Perm = number()
		default:
			s.Value()
		}
	}
	return q
}

// HasMaster reports that a broker's master is in the route.
func (r *Route) HasMaster(broker string) bool { return slices.Contains(r.brokers[broker], 0) }

// Masters are the brokers with a master, sorted: those that can be asked about the topic.
func (r *Route) Masters() (brokers []string) {
	for _, q := range r.Queues {
		if r.HasMaster(q.Broker) {
			brokers = append(brokers, q.Broker)
		}
	}
	return slices.Compact(brokers)
}

// Queue is a queue of the topic.
type Queue struct {
	Broker string
	ID     int
}

// Writable are the queues of masters that take messages, sorted by broker and id; those of an ordered topic are written
// down in its configuration.
func (r *Route) Writable() []Queue {
	if r.order != "" {
		return r.ordered()
	}
	var all []Queue
	for _, q := range r.Queues {
		if q.Perm&permWrite != 0 && r.HasMaster(q.Broker) {
			for id := range q.Write {
				all = append(all, Queue{q.Broker, id})
			}
		}
	}
	return all
}

// ordered reads "broker-a:8;broker-b:8" (TopicPublishInfo in ClientInstance.java).
func (r *Route) ordered() (all []Queue) {
	for item := range strings.SplitSeq(r.order, ";") {
		broker, count, ok := strings.Cut(item, ":")
		n, err := strconv.Atoi(count)
		if !ok || err != nil || n < 0 || n > maxQueues || !r.HasMaster(broker) {
			continue
		}
		for id := range n {
			all = append(all, Queue{broker, id})
		}
	}
	slices.SortStableFunc(all, func(a, b Queue) int { return cmp.Or(strings.Compare(a.Broker, b.Broker), a.ID-b.ID) })
	return all
}

// Readable are the brokers whose master can be popped from, sorted.
func (r *Route) Readable() (brokers []string) {
	for _, q := range r.Queues {
		if q.Perm&permRead != 0 && q.Read > 0 && r.HasMaster(q.Broker) {
			brokers = append(brokers, q.Broker)
		}
	}
	return slices.Compact(brokers)
}

// ReadQueues is how many queues of a broker can be read.
func (r *Route) ReadQueues(broker string) int {
	for _, q := range r.Queues {
		if q.Broker == broker {
			return q.Read
		}
	}
	return 0
}

// queues lists the queues of a topic as SDKs want them: of masters, and of slaves only where no master is known.
func (r *Route) queues(topic *pb.Resource, types []pb.MessageType, at *pb.Endpoints) (all []*pb.MessageQueue) {
	for _, q := range r.Queues {
		id := slices.Min(r.brokers[q.Broker])
		b := &pb.Broker{Name: q.Broker, Id: int32(id), Endpoints: at}
		entry := func(queue int, p pb.Permission) {
			all = append(all, &pb.MessageQueue{Topic: topic, Id: int32(queue), Permission: p, Broker: b, AcceptMessageTypes: types})
		}
		read, write := q.Read, q.Write
		if q.Perm&permRead == 0 {
			read = 0
		}
		if q.Perm&permWrite == 0 {
			write = 0
		}
		if read == 0 && write == 0 {
			for i := range max(1, q.Read, q.Write) {
				entry(i, pb.Permission_NONE)
			}
		}
		for i := range max(read, write) {
			switch {
			case i < read && i < write:
				entry(i, pb.Permission_READ_WRITE)
			case i < read:
				entry(i, pb.Permission_READ)
			default:
				entry(i, pb.Permission_WRITE)
			}
		}
	}
	return all
}
