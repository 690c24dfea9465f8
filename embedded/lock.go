package embedded

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// lockLife is how long a queue stays locked unless its owner locks it again (RebalanceLockManager.java).
const lockLife = 60 * time.Second

type lockKey struct {
	group, topic string
	queue        int32
}

type queueLock struct {
	client string
	at     int64 // milliseconds
}

// messageQueue is a queue as bodies name it.
type messageQueue struct {
	BrokerName string `json:"brokerName"`
	QueueID    int32  `json:"queueId"`
	Topic      string `json:"topic"`
}

// lockBody is the body of 41 and 42 (LockBatchRequestBody.java).
type lockBody struct {
	ClientID string         `json:"clientId"`
	Group    string         `json:"consumerGroup"`
	Queues   []messageQueue `json:"mqSet"`
}

// lockQueues handles 41 and answers which queues the client has now.
func (b *Broker) lockQueues(r *request) *codec.Command {
	var body lockBody
	if err := decodeBody(r.Body, &body); err != nil {
		return r.illegal(err)
	}
	locked := []messageQueue{}
	for _, q := range body.Queues {
		k := lockKey{body.Group, q.Topic, q.QueueID}
		l := b.locks[k]
		if l == nil || l.client == body.ClientID || b.set.now()-l.at > lockLife.Milliseconds() {
			b.locks[k] = &queueLock{body.ClientID, b.set.now()}
			locked = append(locked, q)
		}
	}
	return r.withJSON(map[string][]messageQueue{"lockOKMQSet": locked})
}

// unlockQueues handles 42. Only the owner can unlock.
func (b *Broker) unlockQueues(r *request) *codec.Command {
	var body lockBody
	if err := decodeBody(r.Body, &body); err != nil {
		return r.illegal(err)
	}
	for _, q := range body.Queues {
		k := lockKey{body.Group, q.Topic, q.QueueID}
		if l := b.locks[k]; l != nil && l.client == body.ClientID {
			delete(b.locks, k)
		}
	}
	return r.ok()
}
