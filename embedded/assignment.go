package embedded

import (
	"slices"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// requestMode says whether a group pulls or pops a topic (SetMessageRequestModeRequestBody.java).
type requestMode struct {
	Group      string `json:"consumerGroup"`
	Mode       string `json:"mode" enum:"PULL POP"`
	ShareQueue int    `json:"popShareQueueNum"`
	Topic      string `json:"topic"`
}

type modeKey struct{ topic, group string }

// setRequestMode handles 401.
func (b *Broker) setRequestMode(r *request) *codec.Command {
	var m requestMode
	if err := decodeBody(r.Body, &m); err != nil {
		return r.illegal(err)
	}
	b.set.modes[modeKey{m.Topic, m.Group}] = m
	return r.ok()
}

// allRequestModes handles 402.
func (b *Broker) allRequestModes(r *request) *codec.Command {
	table := make(map[string]map[string]requestMode)
	for k, m := range b.set.modes {
		if table[k.topic] == nil {
			table[k.topic] = make(map[string]requestMode)
		}
		table[k.topic][k.group] = m
	}
	return r.withJSON(map[string]any{"messageRequestModeMap": table})
}

// assignment is one queue that a client is to consume; queue -1 stands for all of a broker.
type assignment struct {
	Queue messageQueue `json:"messageQueue"`
	Mode  string       `json:"mode"`
}

// queryAssignment handles 400: the broker does the rebalancing, from the members that it knows
// (QueryAssignmentProcessor.java).
func (b *Broker) queryAssignment(r *request) *codec.Command {
	var q struct {
		ClientID string `json:"clientId"`
		Group    string `json:"consumerGroup"`
		Model    string `json:"messageModel" enum:"BROADCASTING CLUSTERING LITE_SELECTIVE"`
		Strategy string `json:"strategyName"`
		Topic    string `json:"topic"`
	}
	if err := decodeBody(r.Body, &q); err != nil {
		return r.illegal(err)
	}
	mode := requestMode{Mode: "PULL"}
	if set, ok := b.set.modes[modeKey{q.Topic, q.Group}]; ok && q.Topic != retryPrefix+q.Group {
		mode = set
	}
	queues := b.cluster.registry.readQueues(q.Topic)
	var clients []string
	if g := b.members.consumers[q.Group]; g != nil {
		clients = g.ids()
	}
	if q.Model != "BROADCASTING" {
		queues = allocate(queues, clients, q.ClientID, q.Strategy, mode)
	}
	list := make([]assignment, len(queues))
	for i, mq := range queues {
		list[i] = assignment{mq, mode.Mode}
	}
	return r.withJSON(map[string]any{"messageQueueAssignments": list})
}

// readQueues lists a topic's queues on all brokers that live, sorted.
func (g *registry) readQueues(topic string) []messageQueue {
	var queues []messageQueue
	if route := g.route(topic); route != nil {
		for _, q := range route.queues {
			for id := range int32(q.read) {
				if q.perm&PermRead != 0 {
					queues = append(queues, messageQueue{q.broker, id, topic})
				}
			}
		}
	}
	return queues
}

// allocate gives a client its part of the queues. Poppers share everything unless each is to keep to a few queues.
func allocate(queues []messageQueue, clients []string, client, strategy string, mode requestMode) []messageQueue {
	i, known := slices.BinarySearch(clients, client)
	if !known {
		return nil
	}
	if mode.Mode != "POP" {
		return share(queues, len(clients), i, strategy)
	}
	if mode.ShareQueue <= 0 || mode.ShareQueue >= len(clients)-1 {
		return wholeBrokers(queues)
	}
	var mine []messageQueue
	for n := range mode.ShareQueue + 1 {
		mine = append(mine, share(queues, len(clients), (i+n)%len(clients), strategy)...)
	}
	return mine
}

// wholeBrokers makes one entry for each broker.
func wholeBrokers(queues []messageQueue) []messageQueue {
	var whole []messageQueue
	for _, q := range queues {
		q.QueueID = -1
		if !slices.Contains(whole, q) {
			whole = append(whole, q)
		}
	}
	return whole
}

// share is the i-th of n parts: in turn for AVG_BY_CIRCLE, else in runs (AllocateMessageQueueAveragely.java).
func share(queues []messageQueue, n, i int, strategy string) []messageQueue {
	if strategy == "AVG_BY_CIRCLE" {
		var mine []messageQueue
		for ; i < len(queues); i += n {
			mine = append(mine, queues[i])
		}
		return mine
	}
	size, extra := len(queues)/n, len(queues)%n
	start := i*size + min(i, extra)
	if i < extra {
		size++
	}
	return queues[start : start+size]
}
