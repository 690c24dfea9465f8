package translate

import (
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// StoredView is what a message's consumer is told beside what is stored.
type StoredView struct {
	Handle    string        // "": none
	Invisible time.Duration // how long the handle lasts
	Attempt   int32         // 0: not known
	Now       time.Time
}

// id is what clients call the message.
func (m *Stored) id() string { return firstOf(m.Properties[propID], m.offsetID()) }

// offsetID is the offset message id (MessageDecoder.java#createMessageId).
func (m *Stored) offsetID() string {
	const digits = "0123456789ABCDEF"
	raw := m.StoreHost.Addr().AsSlice()
	port := m.StoreHost.Port()
	raw = append(raw, 0, 0, byte(port>>8), byte(port))
	for shift := 56; shift >= 0; shift -= 8 {
		raw = append(raw, byte(m.CommitLogOffset>>shift))
	}
	text := make([]byte, 0, 2*len(raw))
	for _, b := range raw {
		text = append(text, digits[b>>4], digits[b&15])
	}
	return string(text)
}

// message is a stored message as a consumer of a topic gets it.
func (m *Stored) message(topic *pb.Resource, v StoredView) *pb.Message {
	body, plain := inflate(m)
	s := &pb.SystemProperties{
		MessageId: m.id(), BodyDigest: digestOf(body), BodyEncoding: pb.Encoding_IDENTITY, MessageType: m.kind(),
		BornTimestamp: millis(m.Born), StoreTimestamp: millis(m.Stored), BornHost: m.bornHost(), StoreHost: m.StoreHost.String(),
		QueueId: m.QueueID, QueueOffset: &m.QueueOffset, Keys: strings.Fields(m.Properties[propKeys]),
		Tag: m.optional(propTags), MessageGroup: m.optional(propShardingKey), TraceContext: m.optional(propTraceContext),
		LiteTopic: m.optional(propLiteTopic), DeliveryTimestamp: m.deliveryTimestamp(v.Now), DeadLetterQueue: m.deadLetter(),
	}
	if !plain {
		s.BodyEncoding = pb.Encoding_GZIP
	}
	if v.Handle != "" {
		s.ReceiptHandle, s.InvisibleDuration = &v.Handle, durationpb.New(v.Invisible)
	}
	if v.Attempt > 0 {
		s.DeliveryAttempt = &v.Attempt
	}
	if n, err := strconv.ParseInt(m.Properties[propPriority], 10, 32); err == nil && n >= 0 {
		priority := int32(n)
		s.Priority = &priority
	}
	return &pb.Message{Topic: topic, Body: body, SystemProperties: s, UserProperties: m.userProperties()}
}

func millis(ms int64) *timestamppb.Timestamp { return timestamppb.New(time.UnixMilli(ms)) }

func (m *Stored) optional(key string) *string {
	if v, ok := m.Properties[key]; ok && v != "" {
		return &v
	}
	return nil
}

func (m *Stored) bornHost() string {
	return firstOf(m.Properties[propBornHost], m.BornHost.Addr().String())
}

// kind is the type of a stored message, by the same order as brokers' (TopicMessageType.java#parseFromMessageProperty).
func (m *Stored) kind() pb.MessageType {
	has := func(keys ...string) bool {
		for _, k := range keys {
			if _, ok := m.Properties[k]; ok {
				return true
			}
		}
		return false
	}
	switch {
	case m.Properties[propTransaction] == "true":
		return pb.MessageType_TRANSACTION
	case has(propDelayLevel, propDeliverMillis, propDelaySeconds, propDelayMillis):
		return pb.MessageType_DELAY
	case has(propShardingKey):
		return pb.MessageType_FIFO
	case has(propPriority):
		return pb.MessageType_PRIORITY
	case has(propLiteTopic):
		return pb.MessageType_LITE
	}
	return pb.MessageType_NORMAL
}

func (m *Stored) deliveryTimestamp(now time.Time) *timestamppb.Timestamp {
	if n, err := strconv.ParseInt(m.Properties[propDelaySeconds], 10, 32); err == nil {
		return timestamppb.New(now.Add(time.Duration(n) * time.Second))
	}
	if n, err := strconv.ParseInt(m.Properties[propDeliverMillis], 10, 64); err == nil {
		return millis(n)
	}
	return nil
}

// deadLetter tells where a dead letter comes from. Brokers leave the topic in RETRY_TOPIC, after a retry that of the group.
func (m *Stored) deadLetter() *pb.DeadLetterQueue {
	if t := m.Properties[propDLQTopic]; t != "" {
		return &pb.DeadLetterQueue{Topic: t, MessageId: m.Properties[propDLQMessage]}
	}
	group, ok := strings.CutPrefix(m.Topic, deadLetterPrefix)
	if !ok {
		return nil
	}
	topic := m.Properties[propRetryTopic]
	for _, separator := range []string{"_", "+"} {
		topic = strings.TrimPrefix(topic, retryPrefix+group+separator)
	}
	return &pb.DeadLetterQueue{Topic: topic, MessageId: m.id()}
}

func (m *Stored) userProperties() map[string]string {
	user := map[string]string{}
	for k, v := range m.Properties {
		if !reserved[k] && !hidden[k] && !strings.HasPrefix(k, "__RMQ.TRANSIENT.") {
			user[k] = v
		}
	}
	return user
}
