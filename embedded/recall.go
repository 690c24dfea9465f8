package embedded

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// timerKey names a timer message as a recall does: by its topic and the unique key that its producer gave it
// (TimerMessageStore.java#buildDeleteKey).
type timerKey struct{ topic, id string }

// timer is the messages of one timerKey that wait for their time: one, unless a producer sends a unique key again.
type timer struct {
	waiting  int
	recalled bool
}

// recallHandle is what the answer to a timer message's send holds, and what takes the message back.
type recallHandle struct {
	timerKey
	broker string
	due    int64 // milliseconds
}

// String writes the handle (RecallMessageHandle.java#buildHandle).
func (h recallHandle) String() string {
	return base64.URLEncoding.EncodeToString([]byte(strings.Join([]string{"v1", h.topic, h.broker, itoa(h.due), h.id}, " ")))
}

// parseRecallHandle reads a handle; the padding may be missing, and more fields may follow.
func parseRecallHandle(text string) (h recallHandle, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	part := strings.Split(string(raw), " ")
	if err != nil || part[0] != "v1" || len(part) < 5 {
		return h, false
	}
	if h.due, err = strconv.ParseInt(part[3], 10, 64); err != nil {
		h.due = -1
	}
	h.topic, h.broker, h.id = part[1], part[2], part[4]
	return h, true
}

// recallHandleOf is the handle of a message, "" unless it is a timer message that waits (SendMessageProcessor.java
// #attachRecallHandle).
func (b *Broker) recallHandleOf(rec *record) string {
	out, err := strconv.ParseInt(rec.properties.get(propTimerOut), 10, 64)
	topic := rec.properties.get(propRealTopic)
	if err != nil || topic == "" || strings.HasPrefix(topic, retryPrefix) {
		return ""
	}
	return recallHandle{timerKey{topic, rec.properties.get(propUniqueKey)}, b.Name(), out + 1}.String()
}

// recall handles 370: a timer message that waits is not delivered (RecallMessageProcessor.java). As with a real broker,
// a handle without a message succeeds until its time has come.
func (b *Broker) recall(r *request) *codec.Command {
	f := r.fields()
	topic, text := f.str("topic"), f.str("recallHandle")
	if f.err != nil {
		return r.illegal(f.err)
	}
	if b.id != 0 {
		return r.refuse(codec.ResSlaveNotAvailable, "recall failed, broker service not available")
	}
	if b.set.topics[topic] == nil {
		return r.refuse(codec.ResTopicNotExist, "recall failed, the topic[%s] not exist", topic)
	}
	h, ok := parseRecallHandle(text)
	left := h.due - b.set.now()
	switch {
	case !ok:
		return r.refuse(codec.ResIllegalOperation, "recall handle is invalid")
	case h.topic != topic:
		return r.refuse(codec.ResIllegalOperation, "recall failed, topic not match")
	case h.broker != b.Name():
		return r.refuse(codec.ResIllegalOperation, "recall failed, broker service not available")
	case left <= 0 || left >= maxTimer.Milliseconds():
		return r.refuse(codec.ResIllegalOperation, "recall failed, timestamp invalid")
	}
	if t := b.set.timers[h.timerKey]; t != nil {
		t.recalled = true
	}
	return r.ok("msgId", h.id, "MSG_REGION", region, "TRACE_ON", "true")
}

// addTimer counts a timer message that begins to wait.
func (s *brokerSet) addTimer(k timerKey) {
	if s.timers[k] == nil {
		s.timers[k] = new(timer)
	}
	s.timers[k].waiting++
}

// endTimer counts a timer message whose time has come, and reports whether it has been recalled.
func (s *brokerSet) endTimer(k timerKey) (recalled bool) {
	t := s.timers[k]
	if t == nil {
		return false
	}
	if t.waiting--; t.waiting == 0 {
		delete(s.timers, k)
	}
	return t.recalled
}
