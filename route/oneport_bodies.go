package route

import (
	"math"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec/jsonscan"
)

// MaxBody bounds the bodies of the requests that NeedsBody names, in bytes. A client in 1,000 groups sends heartbeats
// that are larger.
const MaxBody = 1 << 20

// NeedsBody tells requests that are decided on a one-port listener when all of them has arrived: their body says where
// they go, or they go to several brokers.
func NeedsBody(code int32) bool {
	switch code {
	case codec.ReqHeartBeat, codec.ReqUnregisterClient, codec.ReqLockBatchMQ, codec.ReqUnlockBatchMQ, codec.ReqCheckClientConfig,
		codec.ReqQueryAssignment, codec.ReqBatchAckMessage, codec.ReqViewMessageByID:
		return true
	}
	return setsUp(code)
}

// body reads a body as fastjson reads it into a class of Java: of a key that stands twice the last counts, a text may be
// any value, a list may be its only element. Of what is malformed it reads the beginning: the broker refuses it all.
type body struct{ jsonscan.Scanner }

func newBody(text []byte) *body {
	return &body{jsonscan.Scanner{Text: text, Dialect: jsonscan.Lenient}}
}

// members yields the keys of an object; a value is to be taken after each.
func (b *body) members() func(yield func(key string) bool) {
	return func(yield func(string) bool) {
		if b.Next() != '{' {
			b.Value()
			return
		}
		for _, key := range b.Members() {
			if !yield(string(b.Contents(key))) {
				return
			}
		}
	}
}

// elements calls take for each element of a list.
func (b *body) elements(take func()) {
	if b.Next() != '[' {
		take()
		return
	}
	for range b.Elements() {
		take()
	}
}

// at calls take for each value that stands under a path of keys, in whatever lists are on the way.
func (b *body) at(take func(), path ...string) {
	if len(path) == 0 {
		take()
		return
	}
	b.elements(func() {
		for key := range b.members() {
			if key == path[0] {
				b.at(take, path[1:]...)
			} else {
				b.Value()
			}
		}
	})
}

// text is a value as a text, "" for null.
func (b *body) text() string {
	v := b.Value()
	if v.Kind == jsonscan.Null || v.Kind == jsonscan.None {
		return ""
	}
	return string(b.Contents(v))
}

// bodyQueue is a queue as bodies have it (MessageQueue.java).
type bodyQueue struct {
	broker, topic string
	id            int32
}

// maxQueues bounds how many queues of a body are looked at: clients ask for those of one topic at a broker.
const maxQueues = 1000

// lockedQueues are the queues of 41 and 42 (LockBatchRequestBody.java).
func lockedQueues(text []byte) (queues []bodyQueue) {
	b := newBody(text)
	b.at(func() {
		queues = nil
		b.elements(func() {
			if q := b.queue(); q.broker != "" && len(queues) < maxQueues {
				queues = append(queues, q)
			}
		})
	}, "mqSet")
	return queues
}

func (b *body) queue() (q bodyQueue) {
	for key := range b.members() {
		switch key {
		case "brokerName":
			q.broker = b.text()
		case "topic":
			q.topic = b.text()
		case "queueId":
			id, _ := strconv.ParseInt(b.text(), 10, 32)
			q.id = int32(id)
		default:
			b.Value()
		}
	}
	return q
}

// textAt is what stands under a key of a body's object, "" if nothing does.
func textAt(text []byte, key string) (value string) {
	b := newBody(text)
	b.at(func() { value = b.text() }, key)
	return value
}

// textsAt are the different texts that stand under a path of keys, at most most of them.
func textsAt(text []byte, most int, path ...string) (values []string) {
	b, seen := newBody(text), map[string]bool{}
	b.at(func() {
		if v := b.text(); v != "" && len(values) < most && !seen[v] {
			values, seen[v] = append(values, v), true
		}
	}, path...)
	return values
}

// subscribed are the topics that a heartbeat subscribes (HeartbeatData.java), at most most of them.
func subscribed(text []byte, most int) []string {
	return textsAt(text, most, "consumerDataSet", "subscriptionDataSet", "topic")
}

// bodyTopics are the topics that a body names: all of a list that sets them up, else the first.
func bodyTopics(code int32, text []byte) (topics []string) {
	switch code {
	case codec.ReqUpdateAndCreateTopicList:
		return textsAt(text, math.MaxInt, "topicConfigList", "topicName")
	case codec.ReqLockBatchMQ, codec.ReqUnlockBatchMQ:
		return textsAt(text, 1, "mqSet", "topic")
	case codec.ReqCheckClientConfig:
		return textsAt(text, 1, "subscriptionData", "topic")
	case codec.ReqBatchAckMessage:
		if topics = textsAt(text, 1, "acks", "t"); len(topics) == 0 {
			topics = textsAt(text, 1, "acks", "topic")
		}
		return topics
	case codec.ReqQueryAssignment, codec.ReqSetMessageRequestMode:
		if topic := textAt(text, "topic"); topic != "" {
			return []string{topic}
		}
	}
	return nil
}
