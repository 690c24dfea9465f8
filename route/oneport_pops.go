package route

import (
	"strconv"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Pop is a request for messages that was passed on.
type Pop struct{ Broker, Group, Topic string }

// PopOf is the pop that a request is, which goes to a broker; nil for any other request, and where no group and no topic can
// have that name.
func PopOf(h *codec.Header, raw []byte, broker string) *Pop {
	if !pops(h.Code) {
		return nil
	}
	p := &Pop{broker, h.ExtString(raw, "consumerGroup"), h.ExtString(raw, "topic")}
	if !possible(p.Group) || !possible(p.Topic) {
		return nil
	}
	return p
}

// popped are the messages that a connection has popped, the oldest first.
type popped struct {
	messages map[messageKey][]*poppedMessage
	order    []*poppedMessage
}

// messageKey is what an ack without a handle says of its message. The topic is that of the pop, also of a message that comes
// from the group's retry topic.
type messageKey struct {
	group, topic  string
	queue, offset int64
}

// poppedMessage is one message of an answer.
type poppedMessage struct {
	pop   *popAnswer
	key   messageKey
	mark  byte // of the topic it comes from: '0' that of the pop, '1' and '2' the group's retry topics (KeyBuilder.java)
	start int64
}

// popAnswer is what the messages of one answer have in common.
type popAnswer struct {
	Pop
	at                         int64 // on the process clock
	popTime, invisible, revive string
}

// What a connection remembers of pops is bounded, in messages and in bytes. They are measured together with their maps.
const (
	maxPopped  = 10_000
	poppedCost = 300
)

// Popped remembers the messages of the answer to a pop, whose header h and raw are.
func (c *Client) Popped(p Pop, h *codec.Header, raw []byte) {
	answer := &popAnswer{
		Pop: p, at: c.Now, popTime: h.ExtString(raw, "popTime"), invisible: h.ExtString(raw, "invisibleTime"), revive: h.ExtString(raw, "reviveQid"),
	}
	starts := map[poppedQueue]int64{}
	for queue, start := range offsetInfo(h.ExtString(raw, "startOffsetInfo")) {
		starts[queue], _ = strconv.ParseInt(start, 10, 64)
	}
	for queue, offsets := range offsetInfo(h.ExtString(raw, "msgOffsetInfo")) {
		start, ok := starts[queue]
		if !ok {
			continue
		}
		for offset := range strings.SplitSeq(offsets, ",") {
			if n, err := strconv.ParseInt(offset, 10, 64); err == nil {
				c.popped.add(&poppedMessage{answer, messageKey{p.Group, p.Topic, queue.id, n}, queue.mark, start})
			}
		}
	}
}

// poppedQueue is a queue in the answer to a pop.
type poppedQueue struct {
	mark byte // as in poppedMessage
	id   int64
}

// offsetInfo yields the items of a list "mark queue offsets;…" (ExtraInfoUtil.java#buildStartOffsetInfo, #buildMsgOffsetInfo).
func offsetInfo(list string) func(yield func(queue poppedQueue, offsets string) bool) {
	return func(yield func(poppedQueue, string) bool) {
		for item := range strings.SplitSeq(list, ";") {
			mark, rest, _ := strings.Cut(item, " ")
			queue, offsets, ok := strings.Cut(rest, " ")
			id, err := strconv.ParseInt(queue, 10, 32)
			if ok && err == nil && len(mark) == 1 && !yield(poppedQueue{mark[0], id}, offsets) {
				return
			}
		}
	}
}

// PoppedBytes is what a client's pops cost in memory.
func (c *Client) PoppedBytes() int { return len(c.popped.order) * poppedCost }

// ForgetPops drops what is older than life.
func (c *Client) ForgetPops(life int64) {
	for len(c.popped.order) > 0 && c.Now-c.popped.order[0].pop.at >= life {
		c.popped.drop()
	}
}

func (p *popped) add(m *poppedMessage) {
	if p.messages == nil {
		p.messages = map[messageKey][]*poppedMessage{}
	}
	if len(p.order) >= maxPopped {
		p.drop()
	}
	p.order = append(p.order, m)
	p.messages[m.key] = append(p.messages[m.key], m)
}

// drop forgets the oldest message.
func (p *popped) drop() {
	m := p.order[0]
	p.order[0] = nil
	if p.order = p.order[1:]; len(p.order) == 0 {
		p.order = nil
	}
	if same := p.messages[m.key]; len(same) > 1 {
		p.messages[m.key] = same[1:] // they are in order
	} else {
		delete(p.messages, m.key)
	}
}

// find are the messages that an ack can mean, of each broker and topic the one that was popped last; of a broker, if the ack
// names one. None of them is older than since.
func (p *popped) find(key messageKey, broker string, since int64) (found []*poppedMessage) {
	retried := ""
	if prefix := retryTopic + key.group; strings.HasPrefix(key.topic, prefix) && len(key.topic) > len(prefix) {
		retried, key.topic = key.topic, key.topic[len(prefix)+1:]
	}
	same := p.messages[key]
	for i := len(same) - 1; i >= 0 && len(found) < 2; i-- {
		m := same[i]
		if m.pop.at <= since || broker != "" && m.pop.Broker != broker || retried != "" && m.mark == '0' {
			continue
		}
		if len(found) == 0 || found[0].pop.Broker != m.pop.Broker || found[0].mark != m.mark {
			found = append(found, m)
		}
	}
	return found
}

// handle is what clients make of the answer to a pop (ExtraInfoUtil.java#buildExtraInfo).
func (m *poppedMessage) handle() string {
	n := func(v int64) string { return strconv.FormatInt(v, 10) }
	return strings.Join([]string{
		n(m.start), m.pop.popTime, m.pop.invisible, m.pop.revive, string(m.mark), m.pop.Broker, n(m.key.queue), n(m.key.offset),
	}, " ")
}

// from says where a message comes from.
func (m *poppedMessage) from() string {
	if m.mark == '0' {
		return m.pop.Broker
	}
	return m.pop.Broker + " (retried)"
}

// ackOf is what an ack says of its message.
func (r *onePort) ackOf() messageKey {
	number := func(key string) int64 {
		n, err := strconv.ParseInt(r.h.ExtString(r.raw, key), 10, 64)
		if err != nil {
			return -1
		}
		return n
	}
	return messageKey{r.h.ExtString(r.raw, "consumerGroup"), r.topic(), number("queueId"), number("offset")}
}
