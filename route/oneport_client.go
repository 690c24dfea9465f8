package route

import "time"

// Client is what decisions on a one-port listener know of the client, and what they keep of its earlier requests. The
// connection owns it and sets its exported fields; it costs nothing until it is needed. The zero value is a new client.
type Client struct {
	ID     string     // of its last full heartbeat; "": none came
	Linked []BrokerID // those that it has an open link to
	Member []BrokerID // those that have its heartbeat

	// Now and Body are of the request that is decided: the process clock in nanoseconds, and the body if NeedsBody asks
	// for it. Decisions keep nothing of Body.
	Now  int64
	Body []byte

	// Balanced counts the requests that were balanced; it may begin anywhere.
	Balanced uint32

	topics  map[TopicKey]*learned
	turns   map[uint64]turn
	counted counted
	led     led
	popped  popped
}

// counted is what the last decision counted of its request.
type counted struct {
	balanced, took bool // took: a turn of same
	same           uint64
}

// Undecided takes back what the last decision counted: its request has to wait, and is decided again.
func (c *Client) Undecided() {
	if c.counted.balanced {
		c.Balanced--
	}
	if t, ok := c.turns[c.counted.same]; ok && c.counted.took {
		t.n--
		c.turns[c.counted.same] = t
	}
	c.counted = counted{}
}

// TopicKey names a topic of one of the proxy's clusters.
type TopicKey struct{ Cluster, Topic string }

// Topic is what the route of a topic says.
type Topic struct {
	Unknown bool          // nobody could be asked
	Brokers []TopicBroker // sorted by name; empty: the topic does not exist
	// Logical maps the queues of a static topic to the names of brokers; nil: the topic is an ordinary one.
	Logical map[LogicalQueue]string
}

// TopicBroker is a broker that has a topic.
type TopicBroker struct {
	Name     string
	Writable bool
}

// LogicalQueue is a queue of a static topic as clients name it: a broker's name that begins with __syslo__, and a queue.
type LogicalQueue struct {
	Broker string
	Queue  int32
}

type learned struct {
	topic          Topic
	asked, expires int64 // on the process clock
}

// How long it counts what the cluster said of a topic: as long as clients believe their routes; shorter where the next
// moment may change it, such as the topic of a group, which exists from its first heartbeat on.
const (
	knownFor   = 30 * time.Second
	missingFor = 5 * time.Second
	unknownFor = time.Second
)

// maxTopics bounds what is kept of a client's topics, each cluster's counted: of a client that uses more of them the oldest is
// forgotten. Of one request at most maxSubscribed topics are looked at, and no more than are kept at a time: it would ask for
// them again and again. What a heartbeat has beyond them goes only to brokers with a link; a link that opens later begins with
// the heartbeat.
const (
	maxTopics     = 256
	maxSubscribed = 100
)

// mostTopics is how many topics of the request are looked at. Each may be asked for in every cluster.
func (r *onePort) mostTopics() int { return min(maxSubscribed, maxTopics/max(len(r.o.Clusters), 1)) }

// Learn takes what the cluster says of a topic that a verdict asked for.
func (c *Client) Learn(key TopicKey, topic Topic) {
	if c.topics == nil {
		c.topics = map[TopicKey]*learned{}
	}
	c.forget()
	last := knownFor
	switch {
	case topic.Unknown:
		last = unknownFor
	case len(topic.Brokers) == 0:
		last = missingFor
	}
	c.topics[key] = &learned{topic, c.Now, c.Now + int64(last)}
}

// forget makes room for one topic more.
func (c *Client) forget() {
	var oldest TopicKey
	first, asked := true, int64(0)
	for key, l := range c.topics {
		if l.expires <= c.Now {
			delete(c.topics, key)
		} else if first || l.asked < asked {
			oldest, asked, first = key, l.asked, false
		}
	}
	if len(c.topics) >= maxTopics {
		delete(c.topics, oldest)
	}
}

// noTopic is what is known of a name that no topic can have.
var noTopic Topic

// topic is what is known of a topic; nil: the cluster is to be asked.
func (c *Client) topic(cluster string, name []byte) *Topic {
	l := c.topics[TopicKey{cluster, string(name)}] // not copied for that
	switch {
	case l != nil && l.expires > c.Now:
		return &l.topic
	case !possible(name):
		return &noTopic
	}
	return nil
}
