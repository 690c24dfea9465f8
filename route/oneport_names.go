package route

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// named is for requests that say which broker they are for.
func (r *onePort) named() (Verdict, bool) {
	name := r.name()
	if len(name) == 0 {
		return r.queuesNamed()
	}
	if isLogical(name) {
		return r.logical(LogicalQueue{string(name), r.queueID()}, r.topic()), true
	}
	p := r.o.names[string(name)]
	if p == nil {
		return unknownBroker(string(name)), true
	}
	if len(r.o.Clusters) > 1 && Sends(r.h.Code) {
		if v, ok := r.ledElsewhere(p); ok {
			return v, true
		}
	}
	return r.to(p), true
}

// logical is for requests about a queue of a static topic: a name that no broker has, and which the topic's route maps to
// one. Such topics are not those of groups.
func (r *onePort) logical(q LogicalQueue, topic string) Verdict {
	for _, cluster := range r.clustersOf(topic) {
		known := r.client.topic(cluster, []byte(topic))
		switch {
		case known == nil:
			return ask(TopicKey{cluster, topic})
		case known.Unknown:
			return r.cannotTell(topic)
		case r.o.names[known.Logical[q]] != nil:
			return r.to(r.o.names[known.Logical[q]])
		}
	}
	return unknownBroker(q.Broker)
}

// queuesNamed is for requests about several queues, whose brokers stand beside them. Clients send one for each broker.
func (r *onePort) queuesNamed() (Verdict, bool) {
	if r.h.Code != codec.ReqLockBatchMQ && r.h.Code != codec.ReqUnlockBatchMQ {
		return Verdict{}, false
	}
	var one Verdict
	var unknown []TopicKey
	for _, q := range lockedQueues(r.client.Body) {
		switch v := r.ofQueue(q); {
		case v.Action == AskTopics && len(unknown) < r.mostTopics() && !slices.Contains(unknown, (*v.Ask)[0]):
			unknown = append(unknown, (*v.Ask)[0])
		case v.Action == AskTopics:
		case v.Action != Relay:
			return v, true
		case one.Broker == nil:
			one = v
		case *one.Broker != *v.Broker:
			return r.unsaid("the queues of %s belong to several brokers (%s, %s); send one request for each",
				r.request(), shorten(one.Broker.Name), shorten(v.Broker.Name)), true
		}
	}
	if len(unknown) > 0 {
		return ask(unknown...), true
	}
	return one, one.Broker != nil
}

func (r *onePort) ofQueue(q bodyQueue) Verdict {
	if isLogical([]byte(q.broker)) {
		return r.logical(LogicalQueue{q.broker, q.id}, q.topic)
	}
	if p := r.o.names[q.broker]; p != nil {
		return r.to(p)
	}
	return unknownBroker(q.broker)
}

// ledElsewhere refuses a send to a broker whose cluster does not have the topic while routes lead producers to another cluster,
// this one being drained or not named at all: the broker would create it. A topic that is there is never refused: clients use
// routes that are up to 30 s old. Topics of groups are at home in every cluster.
func (r *onePort) ledElsewhere(p *brokerProcess) (Verdict, bool) {
	topic := r.topicBytes()
	if r.client.led.is(r, p, topic) {
		return Verdict{}, false
	}
	known := r.client.topic(p.master.Of, topic)
	if known != nil && len(known.Brokers) > 0 {
		return Verdict{}, false
	}
	name := string(topic)
	to := r.clustersOf(name)
	switch {
	case to[0] == p.master.Of, GroupTopic(name):
		if possible(topic) {
			r.client.led = led{r.t.Rules, p.master.Of, name, r.h.Version, r.h.Language}
		}
		return Verdict{}, false
	case known == nil:
		return ask(TopicKey{p.master.Of, name}), true
	case known.Unknown:
		return Verdict{}, false
	}
	return Verdict{
		Action: Refuse, Reason: NoBroker, Code: codec.ResTopicNotExist,
		Remark: fmt.Sprintf("rocketmq-proxy: topic %q is not in cluster %q, whose broker %q this names; its route leads to cluster %q",
			shorten(name), p.master.Of, p.master.Name, to[0]),
	}, true
}

// led is a send that went where routes lead its topic. The next one mostly is like it, and asking the lines of all routes for
// each of them would cost more than all else.
type led struct {
	rules          *Rules
	cluster, topic string
	version        int32
	language       codec.Language
}

// is reports that a send is like that.
func (l *led) is(r *onePort, p *brokerProcess, topic []byte) bool {
	return l.cluster == p.master.Of && l.topic == string(topic) && l.rules == r.t.Rules && l.version == r.h.Version && l.language == r.h.Language
}

// Sends tells requests that store messages of clients.
func Sends(code int32) bool {
	switch code {
	case codec.ReqSendMessage, codec.ReqSendMessageV2, codec.ReqSendBatchMessage, codec.ReqSendReplyMessage, codec.ReqSendReplyMessageV2:
		return true
	}
	return false
}

// unknownBroker makes the client look for another broker: its route is an old one.
func unknownBroker(name string) Verdict {
	return noBroker("unknown broker %q", shorten(name))
}

// name is that of the broker that a request is for, empty if it does not say it. It points into the request.
func (r *onePort) name() []byte {
	if abbreviated(r.h.Code) {
		if name, _ := r.h.Ext(r.raw, "n"); len(name) > 0 {
			return name
		}
	}
	if name, _ := r.h.Ext(r.raw, "bname"); len(name) > 0 {
		return name
	}
	if hasHandle(r.h.Code) {
		handle, _ := r.h.Ext(r.raw, "extraInfo")
		return handleField(handle, handleBroker)
	}
	if r.h.Code == codec.ReqBatchAckMessage {
		return []byte(textAt(r.client.Body, "brokerName"))
	}
	return nil
}

// topic is that of a request; "" if it has none.
func (r *onePort) topic() string {
	if topic := r.topicBytes(); len(topic) > 0 {
		return string(topic)
	}
	if topics := bodyTopics(r.h.Code, r.client.Body); len(topics) > 0 {
		return topics[0]
	}
	return ""
}

// topics are those of a request that may have several.
func (r *onePort) topics() []string {
	if topic := r.topicBytes(); len(topic) > 0 {
		return []string{string(topic)}
	}
	return bodyTopics(r.h.Code, r.client.Body)
}

// topicBytes is the topic in the header of a request, into which it points.
func (r *onePort) topicBytes() []byte {
	f := Facts{Header: r.h, Raw: r.raw}
	return f.Topic()
}

// queueID is the queue that a request is about, 0 if it is about none.
func (r *onePort) queueID() int32 {
	key := "queueId"
	if abbreviated(r.h.Code) {
		key = "e"
	}
	id, _ := strconv.ParseInt(r.h.ExtString(r.raw, key), 10, 32)
	return int32(id)
}

// hasHandle tells requests that are about a popped message, whose handle (extraInfo) says where it came from.
func hasHandle(code int32) bool {
	return acks(code) || code == codec.ReqChangeMessageInvisibleTime
}

// handleBroker is the field of a handle that has the broker's name, counted from 1 (ExtraInfoUtil.java#getBrokerName).
const handleBroker = 6

// handleField is one field of a handle; they stand between single blanks. It is empty when there are not as many.
func handleField(handle []byte, n int) []byte {
	for ; n > 1; n-- {
		_, rest, ok := bytes.Cut(handle, []byte{' '})
		if !ok {
			return nil
		}
		handle = rest
	}
	field, _, _ := bytes.Cut(handle, []byte{' '})
	return field
}

// shorten bounds what of a client's words stands in a remark.
func shorten(s string) string { return s[:min(len(s), 255)] }
