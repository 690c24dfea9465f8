package route

import (
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
	for key := range b.members() {
		if key != "mqSet" {
			b.Value()
			continue
		}
		queues = nil
		b.elements(func() {
			if q := b.queue(); q.broker != "" && len(queues) < maxQueues {
				queues = append(queues, q)
			}
		})
	}
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

// textUnder is what stands under a key of a body's object, "" if nothing does.
func textUnder(text []byte, key string) (value string) {
	b := newBody(text)
	for k := range b.members() {
		if k == key {
			value = b.text()
		} else {
			b.Value()
		}
	}
	return value
}

// textsUnder are what stands under inner in the objects of the list that stands under outer, at most most of them.
func textsUnder(text []byte, outer, inner string, most int) (values []string) {
	b := newBody(text)
	for k := range b.members() {
		if k != outer {
			b.Value()
			continue
		}
		b.elements(func() {
			for k := range b.members() {
				if v := b.text(); k == inner && v != "" && len(values) < most {
					values = append(values, v)
				}
			}
		})
	}
	return values
}

// maxSubscribed bounds how many topics of one request are looked at. What a heartbeat has beyond them goes only to brokers
// with a link; a link that opens later begins with the heartbeat.
const maxSubscribed = 100

// subscribed are the topics that a heartbeat subscribes (HeartbeatData.java).
func subscribed(text []byte) (topics []string) {
	b := newBody(text)
	for key := range b.members() {
		if key != "consumerDataSet" {
			b.Value()
			continue
		}
		b.elements(func() {
			for key := range b.members() {
				if key != "subscriptionDataSet" {
					b.Value()
					continue
				}
				b.elements(func() { topics = b.subscription(topics) })
			}
		})
	}
	return topics
}

func (b *body) subscription(topics []string) []string {
	for key := range b.members() {
		if v := b.Value(); key == "topic" && v.Kind != jsonscan.Null && len(topics) < maxSubscribed {
			topics = append(topics, string(b.Contents(v)))
		}
	}
	return topics
}

// bodyTopics are the topics that a body names.
func bodyTopics(code int32, text []byte) (topics []string) {
	switch code {
	case codec.ReqUpdateAndCreateTopicList:
		return textsUnder(text, "topicConfigList", "topicName", maxSubscribed)
	case codec.ReqLockBatchMQ, codec.ReqUnlockBatchMQ:
		return textsUnder(text, "mqSet", "topic", 1)
	case codec.ReqCheckClientConfig:
		return textsUnder(text, "subscriptionData", "topic", 1)
	case codec.ReqBatchAckMessage:
		if topics = textsUnder(text, "acks", "t", 1); len(topics) == 0 {
			topics = textsUnder(text, "acks", "topic", 1)
		}
		return topics
	case codec.ReqQueryAssignment, codec.ReqSetMessageRequestMode:
		if topic := textUnder(text, "topic"); topic != "" {
			return []string{topic}
		}
	}
	return nil
}
