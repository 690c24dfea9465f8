package translate

import (
	"encoding/base64"
	"encoding/json"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// AckBatch is entries of one request that go to a broker together (200151, from 5.1.3 on).
type AckBatch struct {
	Broker  string
	Entries []*AckEntry
	command *codec.Command
}

// widestBatch is how far apart the offsets of one pop may be to go into one set of bits.
const widestBatch = 4096

// Batches puts entries that can be acknowledged together, in the order in which their brokers come. Brokers answer a batch with one
// code. An entry that fits into none is alone.
func (a *Ack) Batches() (all []*AckBatch) {
	of := map[string]*AckBatch{}
	for i := range a.Entries {
		e := &a.Entries[i]
		if e.Err != nil {
			continue
		}
		b := of[e.Handle.Broker]
		if b == nil || !e.Handle.fitsBatch() {
			b = &AckBatch{Broker: e.Handle.Broker}
			all = append(all, b)
			if e.Handle.fitsBatch() {
				of[e.Handle.Broker] = b
			}
		}
		b.Entries = append(b.Entries, e)
	}
	for _, b := range all {
		b.command = a.commandOf(b)
	}
	return all
}

// fitsBatch reports that a message can be said by its distance from the checkpoint of its pop. The second spelling of the retry
// topic needs a broker that knows it from the handle.
func (h Handle) fitsBatch() bool {
	d := h.QueueOffset - h.Checkpoint
	return d >= 0 && d < widestBatch && h.Retry != "2"
}

// Command acknowledges the batch.
func (b *AckBatch) Command() *codec.Command { return b.command }

// batchAck is a checkpoint of 200151, with a set of bits for its messages (BatchAck.java).
type batchAck struct {
	ConsumerGroup string `json:"c"`
	Topic         string `json:"t"`
	Retry         string `json:"r"`
	StartOffset   int64  `json:"so"`
	QueueID       int32  `json:"q"`
	ReviveQueue   int64  `json:"rq"`
	PopTime       int64  `json:"pt"`
	Invisible     int64  `json:"it"`
	Bits          string `json:"b"`
}

func (a *Ack) commandOf(b *AckBatch) *codec.Command {
	if len(b.Entries) == 1 {
		return a.Command(b.Entries[0])
	}
	bits := map[batchAck][]byte{}
	var order []batchAck
	for _, e := range b.Entries {
		h := &e.Handle
		k := batchAck{a.Group, a.Topic, h.Retry, h.Checkpoint, h.QueueID, h.ReviveQueue, h.PopTime, h.Invisible, ""}
		if bits[k] == nil {
			order = append(order, k)
		}
		bits[k] = withBit(bits[k], int(h.QueueOffset-h.Checkpoint))
	}
	for i, k := range order {
		order[i].Bits = base64.StdEncoding.EncodeToString(bits[k])
	}
	c := command(codec.ReqBatchAckMessage, nil)
	c.Body, _ = json.Marshal(map[string]any{"brokerName": b.Broker, "acks": order}) // text and numbers
	return c
}

// withBit sets a bit (java.util.BitSet#toByteArray).
func withBit(set []byte, n int) []byte {
	for len(set) <= n/8 {
		set = append(set, 0)
	}
	set[n/8] |= 1 << (n % 8)
	return set
}

// Answered notes what the broker said of a batch. It reports false when the entries have to be asked for one by one, as the broker
// refuses all for one of them, or knows no batches.
func (b *AckBatch) Answered(answer *codec.Command) bool {
	if len(b.Entries) > 1 && answer.Code != codec.ResSuccess {
		return false
	}
	for _, e := range b.Entries {
		e.Answered(answer)
	}
	return true
}
