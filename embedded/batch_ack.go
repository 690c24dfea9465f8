package embedded

import (
	"encoding/base64"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// batchAck is one entry of the body of 200151, in short names or long ones (BatchAck.java).
type batchAck struct {
	Group     string `json:"c"`
	Topic     string `json:"t"`
	Retry     string `json:"r"`
	Start     int64  `json:"so"`
	Queue     int32  `json:"q"`
	Revive    int    `json:"rq"`
	PopTime   int64  `json:"pt"`
	Invisible int64  `json:"it"`
	Bits      string `json:"b"`

	LongGroup     string `json:"consumerGroup"`
	LongTopic     string `json:"topic"`
	LongRetry     string `json:"retry"`
	LongStart     int64  `json:"startOffset"`
	LongQueue     int32  `json:"queueId"`
	LongRevive    int    `json:"reviveQueueId"`
	LongPopTime   int64  `json:"popTime"`
	LongInvisible int64  `json:"invisibleTime"`
	LongBits      string `json:"bitSet"`
}

func (a *batchAck) shorten() {
	orDefault(&a.Group, a.LongGroup)
	orDefault(&a.Topic, a.LongTopic)
	orDefault(&a.Retry, a.LongRetry)
	orDefault(&a.Start, a.LongStart)
	orDefault(&a.Queue, a.LongQueue)
	orDefault(&a.Revive, a.LongRevive)
	orDefault(&a.PopTime, a.LongPopTime)
	orDefault(&a.Invisible, a.LongInvisible)
	orDefault(&a.Bits, a.LongBits)
}

// batchAck handles 200151. Entries name the topic that was asked for; the flag says whether its retry topic is meant.
func (b *Broker) batchAck(r *request) *codec.Command {
	var body struct {
		Acks []batchAck `json:"acks"`
	}
	if err := decodeBody(r.Body, &body); err != nil {
		return r.illegal(err)
	}
	for i := range body.Acks {
		a := &body.Acks[i]
		a.shorten()
		bits, err := base64.StdEncoding.DecodeString(a.Bits)
		if err != nil {
			return r.refuse(codec.ResMessageIllegal, "the bits %q are no base64: %v", a.Bits, err)
		}
		k := offsetKey{a.Group, a.Topic, a.Queue}
		if a.Retry == "1" {
			k.topic = popRetryTopic(a.Group, a.Topic)
		}
		h := handle{start: a.Start, popTime: a.PopTime, invisible: a.Invisible, revive: a.Revive}
		for offset := range setBits(bits) {
			b.settle(k, h, a.Start+offset)
		}
	}
	return r.ok()
}

// setBits yields the numbers of the bits that are set, lowest first (java.util.BitSet#toByteArray).
func setBits(b []byte) func(yield func(int64) bool) {
	return func(yield func(int64) bool) {
		for i := range len(b) * 8 {
			if b[i/8]>>(i%8)&1 == 1 && !yield(int64(i)) {
				return
			}
		}
	}
}
