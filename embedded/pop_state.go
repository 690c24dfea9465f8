package embedded

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// reviveQueues is how many queues the revive topic has. Popped messages name one of them in their handles
// (BrokerConfig.java#reviveQueueNum).
const reviveQueues = 8

// orderlyRevive in a handle means ordered consumption, which knows no revive topic (KeyBuilder.java#POP_ORDER_REVIVE_QUEUE).
const orderlyRevive = 999

// popState is what a brokerSet remembers of pops: where each group is to go on in each queue, and what is out.
type popState struct {
	next   map[offsetKey]int64
	out    map[offsetKey]*outstanding
	orders map[offsetKey]*orderly
	count  int64 // of pops, to take queues in turn
}

// checkpoint is the messages that one pop took from one queue.
type checkpoint struct {
	key       offsetKey // topic is the one really stored in
	start     int64
	offsets   []int64
	done      []bool // acked, or popped once more under another checkpoint
	popTime   int64
	invisible int64
	revive    int
}

func newPopState() popState {
	return popState{next: make(map[offsetKey]int64), out: make(map[offsetKey]*outstanding), orders: make(map[offsetKey]*orderly)}
}

// handle is the text that a client gives back to ack a message (ExtraInfoUtil.java#buildExtraInfo).
type handle struct {
	start     int64
	popTime   int64
	invisible int64
	revive    int
	retry     string
	broker    string
	queue     int32
}

func parseHandle(text string) (h handle, ok bool) {
	parts := strings.Split(text, " ")
	if len(parts) < 7 {
		return h, false
	}
	var err [5]error
	h.start, err[0] = strconv.ParseInt(parts[0], 10, 64)
	h.popTime, err[1] = strconv.ParseInt(parts[1], 10, 64)
	h.invisible, err[2] = strconv.ParseInt(parts[2], 10, 64)
	h.revive, err[3] = strconv.Atoi(parts[3])
	queue, err4 := strconv.ParseInt(parts[6], 10, 32)
	err[4] = err4
	h.retry, h.broker, h.queue = parts[4], parts[5], int32(queue)
	return h, !slices.ContainsFunc(err[:], func(e error) bool { return e != nil })
}

// String writes the handle of one message, with the message's own offset behind.
func (c *checkpoint) handle(broker string, offset int64) string {
	return strings.Join([]string{
		itoa(c.start), itoa(c.popTime), itoa(c.invisible), strconv.Itoa(c.revive),
		retryFlag(c.key.topic), broker, itoa(int64(c.key.queue)), itoa(offset),
	}, " ")
}

// retryFlag tells in handles and info strings which kind of topic a message is in: "0" the one asked for, "1" the
// group's retry topic in its first form (KeyBuilder.java#buildPopRetryTopicV1).
func retryFlag(topic string) string {
	if strings.HasPrefix(topic, retryPrefix) {
		return "1"
	}
	return "0"
}

func popRetryTopic(group, topic string) string { return retryPrefix + group + "_" + topic }

// commitPopped commits a queue up to the first message that is still out.
func (s *brokerSet) commitPopped(k offsetKey) {
	at := s.pops.next[k]
	if o := s.pops.out[k]; o != nil {
		if first, any := o.first(); any {
			at = min(at, first)
		} else {
			delete(s.pops.out, k)
		}
	}
	s.commit(k, at)
}

// forget drops what is out of a topic that is deleted.
func (s *popState) forget(topic string) {
	named := func(k offsetKey) bool { return k.topic == topic }
	maps.DeleteFunc(s.next, func(k offsetKey, _ int64) bool { return named(k) })
	maps.DeleteFunc(s.out, func(k offsetKey, o *outstanding) bool {
		for _, list := range o.byHandle {
			for _, c := range list {
				if named(k) {
					c.done = slices.Repeat([]bool{true}, len(c.done))
				}
			}
		}
		return named(k)
	})
	maps.DeleteFunc(s.orders, func(k offsetKey, _ *orderly) bool { return named(k) })
}
