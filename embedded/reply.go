package embedded

import (
	"strconv"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// replyWait is how long a broker waits for the requester to take a reply (Broker2Client.java#callClient).
const replyWait = 10 * time.Second

// sendReply handles 324 and 325: a reply is pushed to the client that asked (326), found by the client id in the
// message, and stored like any message. The replier hears how it went (ReplyMessageProcessor.java).
func (b *Broker) sendReply(r *request) *codec.Command {
	h, err := r.sendHeader()
	if err != nil {
		return r.illegal(err)
	}
	if refusal := b.admit(r, &h); refusal != nil {
		return refusal
	}
	to := h.properties.get(propReplyTo)
	if to == "" {
		return r.refuse(codec.ResSystemError, "REPLY_TO_CLIENT is null, can not reply message")
	}
	c := b.members.clients[to]
	if c == nil {
		return r.refuse(codec.ResSystemError, "push reply message fail, channel of <%s> not found.", to)
	}
	props := h.properties.with(propReplyPushed, itoa(b.set.now()))
	rec := b.set.put(b.set.topics[h.topic], b.newMessage(r, &h, r.Body, props))
	c.ask(codec.ReqPushReplyMessageToClient, replyFields(rec, &h), r.Body, replyWait, func(taken *codec.Command) {
		if taken == nil || taken.Code != codec.ResSuccess {
			r.answer(r.refuse(codec.ResSystemError, "push reply message to %s fail.", to))
			return
		}
		r.answer(r.sent(rec, h.queue, rec.id(), ""))
	})
	return nil
}

func replyFields(rec *record, h *sendHeader) map[string]string {
	return map[string]string{
		"producerGroup": h.group, "topic": h.topic, "defaultTopic": h.pattern,
		"defaultTopicQueueNums": strconv.Itoa(h.patternQueues), "queueId": itoa(int64(h.queue)),
		"sysFlag": itoa(int64(h.sysFlag)), "bornTimestamp": itoa(h.bornAt), "flag": itoa(int64(h.flag)),
		"properties": string(rec.properties), "reconsumeTimes": itoa(int64(h.reconsumed)), "unitMode": "false",
		"bornHost": "/" + rec.bornHost.String(), "storeHost": "/" + rec.storeHost.String(),
		"storeTimestamp": itoa(rec.storedAt),
	}
}
